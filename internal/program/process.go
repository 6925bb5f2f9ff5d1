package program

import (
	"bytes"
	"cmp"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

const (
	// KillAfter is the time between SIGTERM and SIGKILL, unless a Command
	// says otherwise.
	KillAfter = 2 * time.Second
	// afterExit is how long output is still read once the program itself
	// has ended: it may have left something in the background that keeps
	// the pipe open.
	afterExit = 100 * time.Millisecond
)

// Command is what is to be started.
type Command struct {
	// Argv is the program's absolute path and its arguments.
	Argv []string
	Env  []string
	// Input is what its standard input gives it; nil: nothing.
	Input []byte
	// Mark is the mark of this run; empty: a new one.
	Mark Mark
	// Account is who runs it; nil: as the daemon.
	Account *Account
	// Start starts it; nil: (*exec.Cmd).Start. A daemon in the realtime class
	// gives one that does not pass the class on. The thread that it starts
	// the program from must live on: the kernel ends the program when that
	// thread ends.
	Start func(*exec.Cmd) error
	// Grace is the time between SIGTERM and SIGKILL; 0: KillAfter.
	Grace time.Duration
	// Limit is how many bytes it may write; one that writes more is ended.
	// 0: no limit.
	Limit int
	// Keep is how much of the beginning of its standard output is wanted by
	// itself, in Outcome.Stdout and First. 0: none; what it says there and on
	// standard error is then taken as one, in the order in which it came.
	Keep int
}

// Process is a running program.
type Process struct {
	Done    <-chan struct{} // closed when it has ended
	Kill    func()          // ends its whole process group; returns at once
	Outcome func() Outcome  // call it after Done
	PID     int             // 0: it could not be started
}

// Start starts a program. One that cannot be started is one that ended at
// once.
func Start(c Command) Process {
	done, started := make(chan struct{}), make(chan struct{})
	k := &killer{grace: c.Grace, mark: cmp.Or(c.Mark, NewMark())}
	if k.grace <= 0 {
		k.grace = KillAfter
	}
	out := &output{limit: c.Limit, flood: k.now}
	first := &firstLine{all: out, keep: c.Keep}
	var end Outcome
	go func() {
		defer close(done)
		// The kernel sends Pdeathsig when the thread that started the
		// program ends (prctl(2)), so that thread has to outlive it.
		runtime.LockOSThread()
		unlock := true
		defer func() {
			if unlock {
				runtime.UnlockOSThread()
			}
		}()
		cmd := exec.Command(c.Argv[0], c.Argv[1:]...)
		cmd.Env, cmd.Dir = append(c.Env[:len(c.Env):len(c.Env)], k.mark.variable()), "/"
		cmd.Stdout, cmd.Stderr = first, first
		if c.Keep > 0 {
			cmd.Stderr = out
		}
		if c.Input != nil {
			cmd.Stdin = bytes.NewReader(c.Input)
		}
		cmd.WaitDelay = afterExit
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
		start := c.Start
		if start == nil {
			start = (*exec.Cmd).Start
		}
		var err error
		unlock, err = c.Account.start(cmd, start)
		if err != nil {
			close(started)
			end = Outcome{Status: -1, start: unstartable(c, err)}
			return
		}
		k.started(cmd.Process.Pid)
		close(started)
		end = ended(k.reap(cmd))
	}()
	<-started
	return Process{Done: done, Kill: k.now, PID: k.pid, Outcome: func() Outcome {
		end.Output, end.First, end.Flooded, end.Stdout = out.String(), first.String(), out.flooded(), first.beginning()
		return end
	}}
}
