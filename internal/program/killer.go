package program

import (
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// killer ends a process group, and knows when it must not: once its leader
// has been reaped, the number may belong to somebody else.
type killer struct {
	grace time.Duration
	mark  Mark

	mu     sync.Mutex
	pid    int
	asked  bool
	reaped bool
	last   *time.Timer // SIGKILL
}

// started tells whom to kill. It may have been asked to already: output is read
// from the moment of the start.
func (k *killer) started(pid int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.pid = pid
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
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.reaped {
		k.last = time.AfterFunc(k.grace, func() { k.signal(syscall.SIGKILL) })
	}
}

// reap waits for the program. Where it was killed, so is what is left of its
// process group, while the group's number is still taken, and what left it.
func (k *killer) reap(cmd *exec.Cmd) error {
	waitUnreaped(k.pid)
	k.mu.Lock()
	if k.asked {
		_ = syscall.Kill(-k.pid, syscall.SIGKILL)
	}
	k.reaped = true
	if k.last != nil {
		k.last.Stop()
	}
	asked := k.asked
	k.mu.Unlock()
	if asked {
		killMarked(k.mark, k.pid)
	}
	return cmd.Wait()
}
