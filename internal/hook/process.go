package hook

import (
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

const (
	// killAfter is the time between SIGTERM and SIGKILL.
	killAfter = 2 * time.Second
	// afterExit is how long output is still read once the program itself
	// has ended: it may have left something in the background that keeps
	// the pipe open.
	afterExit = 100 * time.Millisecond
)

// command is what is to be started.
type command struct {
	argv, env []string
	start     func(*exec.Cmd) error
}

// process is a running program.
type process struct {
	done    <-chan struct{}        // closed when it has ended
	kill    func()                 // ends its whole process group; returns at once
	outcome func() (string, error) // after done: the end of its output, and why it failed
}

// startProcess starts a program. A program that cannot be started is one that
// ended at once.
func startProcess(c command) process {
	done := make(chan struct{})
	var out tail
	var failure error
	var kill killer
	started := make(chan struct{})
	go func() {
		defer close(done)
		// The kernel sends Pdeathsig when the thread that started the
		// program ends (prctl(2)), so that thread has to outlive it.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		cmd := exec.Command(c.argv[0], c.argv[1:]...)
		cmd.Env, cmd.Dir = c.env, "/"
		cmd.Stdout, cmd.Stderr = &out, &out
		cmd.WaitDelay = afterExit
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
		err := c.start(cmd)
		if err == nil {
			kill.pid = cmd.Process.Pid
		}
		close(started)
		if err == nil {
			err = kill.reap(cmd)
		}
		failure = explain(err)
	}()
	<-started
	return process{done: done, kill: kill.now, outcome: func() (string, error) { return out.String(), failure }}
}

// explain says what a person needs to know of how a program ended.
func explain(err error) error {
	var exit *exec.ExitError
	switch {
	case err == nil || errors.Is(err, exec.ErrWaitDelay):
		return nil
	case errors.As(err, &exit) && exit.ExitCode() >= 0:
		return fmt.Errorf("exit status %d", exit.ExitCode())
	case errors.As(err, &exit):
		return errors.New(exit.ProcessState.String()) // "signal: killed"
	}
	return err
}

// killer ends a process group, and knows when it must not: once its leader
// has been reaped, the number may belong to somebody else.
type killer struct {
	mu     sync.Mutex
	pid    int
	asked  bool
	reaped bool
}

func (k *killer) signal(sig syscall.Signal) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.pid > 0 && !k.reaped {
		// The only failure is that there is nobody left.
		_ = syscall.Kill(-k.pid, sig)
	}
}

// now asks the process group to end, and soon makes it.
func (k *killer) now() {
	k.mu.Lock()
	again := k.asked
	k.asked = true
	k.mu.Unlock()
	if again {
		return
	}
	k.signal(syscall.SIGTERM)
	time.AfterFunc(killAfter, func() { k.signal(syscall.SIGKILL) })
}

// reap waits for the program. Where it was killed, so is what is left of its
// process group, while the group's number is still taken.
func (k *killer) reap(cmd *exec.Cmd) error {
	waitUnreaped(k.pid)
	k.mu.Lock()
	if k.asked {
		_ = syscall.Kill(-k.pid, syscall.SIGKILL)
	}
	k.reaped = true
	k.mu.Unlock()
	return cmd.Wait()
}
