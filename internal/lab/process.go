package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/linux/netns"
)

// Process is one program that runs in a host, with what it starts in turn.
type Process struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error // of Wait; valid once done is closed
}

func start(ns *netns.NS, cmd *exec.Cmd) (*Process, error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	if cmd.WaitDelay == 0 {
		cmd.WaitDelay = time.Second // a grandchild may hold on to the output
	}
	if err := ns.Start(cmd); err != nil {
		return nil, err
	}
	p := &Process{cmd: cmd, done: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// PID is the process's id. It is also the id of its group.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the program has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err is how the program ended, as exec.Cmd.Wait says it; nil while it runs.
func (p *Process) Err() error {
	select {
	case <-p.done:
		return p.err
	default:
		return nil
	}
}

// Signal sends a signal to the program alone. It is no error when the program
// has ended.
func (p *Process) Signal(sig os.Signal) error {
	err := p.cmd.Process.Signal(sig)
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// Pause freezes the program and all of its process group in mid-flight
// (SIGSTOP). Its kernel goes on: addresses answer, sockets fill.
func (p *Process) Pause() error { return p.signalGroup(unix.SIGSTOP) }

// Resume ends a Pause.
func (p *Process) Resume() error { return p.signalGroup(unix.SIGCONT) }

// Kill ends the program and its process group at once (SIGKILL) and waits
// until it is gone.
func (p *Process) Kill() error {
	err := p.signalGroup(unix.SIGKILL)
	<-p.done
	return err
}

// Stop asks the program to end (SIGTERM) and waits for it. When ctx is done
// first, it kills it and returns an error.
func (p *Process) Stop(ctx context.Context) error {
	if err := p.Signal(unix.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.done:
		return p.err
	case <-ctx.Done():
		return errors.Join(fmt.Errorf("cannot stop process %d: %w", p.PID(), ctx.Err()), p.Kill())
	}
}

func (p *Process) signalGroup(sig unix.Signal) error {
	select {
	case <-p.done:
		return nil
	default:
	}
	err := unix.Kill(-p.PID(), sig)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	return err
}

// killAll ends every process in the host: those that Start started and
// whatever they left in the namespace under another parent.
func (h *Host) killAll() {
	for _, p := range h.procs {
		// What is left after this is found below.
		_ = p.signalGroup(unix.SIGKILL)
	}
	for range 10 {
		pids := inside(h.ns)
		if len(pids) == 0 {
			break
		}
		for _, pid := range pids {
			_ = unix.Kill(pid, unix.SIGKILL)
		}
		time.Sleep(time.Millisecond)
	}
	for _, p := range h.procs {
		<-p.done
	}
}

// Processes lists the programs that run in the host, also those that nobody
// here started. It is empty when the host is off.
func (h *Host) Processes() []int {
	ns := h.NS()
	if ns == nil {
		return nil
	}
	return inside(ns)
}

// inside lists the processes whose first thread is in a namespace, without
// this one. Zombies are in none.
func inside(ns *netns.NS) []int {
	var want unix.Stat_t
	if unix.Fstat(ns.Handle(), &want) != nil {
		return nil
	}
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	var pids []int
	for _, dir := range dirs {
		var got unix.Stat_t
		pid, _ := strconv.Atoi(filepath.Base(dir))
		if pid == os.Getpid() || unix.Stat(dir+"/ns/net", &got) != nil {
			continue
		}
		if got.Ino == want.Ino && got.Dev == want.Dev {
			pids = append(pids, pid)
		}
	}
	return pids
}
