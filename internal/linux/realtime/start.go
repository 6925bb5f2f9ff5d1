package realtime

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// defaultSlack is the kernel's timer slack for ordinary threads, in
// nanoseconds.
const defaultSlack = 50_000

// Start starts a program that does not inherit what Raise did: it runs in the
// ordinary scheduling class, with ordinary timers, and is not spared when
// memory runs out. (Locked memory is never inherited.)
//
// A child has the class of the thread that starts it, so the calling thread
// leaves the class for that moment. It has to be the calling one: a program
// with a Pdeathsig ends with the thread that started it (prctl(2)), and only
// the caller can see to it that this thread lives.
func Start(cmd *exec.Cmd) error {
	runtime.LockOSThread()
	before, err := unix.SchedGetAttr(0, 0)
	if err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("cannot read the scheduling class: %w", err)
	}
	if err := startOrdinary(cmd, before); err != nil {
		return err // the lock stays if the thread could not be raised again
	}
	// The score belongs to the process, so it can be set only now. A child
	// that runs as another user may be out of reach: it keeps ours then.
	_ = os.WriteFile("/proc/"+strconv.Itoa(cmd.Process.Pid)+"/oom_score_adj", []byte("0"), 0)
	return nil
}

// startOrdinary starts a program while the calling thread is in the ordinary
// class, and unlocks the thread once it is what it was before. A thread that
// cannot get back stays locked: it ends with its goroutine rather than serve
// others from the wrong class.
func startOrdinary(cmd *exec.Cmd, before *unix.SchedAttr) error {
	raised := before.Policy != unix.SCHED_NORMAL
	if raised {
		if err := lowerThread(0); err != nil {
			runtime.UnlockOSThread()
			return fmt.Errorf("cannot leave the real-time class: %w", err)
		}
	}
	_ = slack(defaultSlack)
	err := cmd.Start()
	_ = slack(1)
	if raised {
		before.Size = unix.SizeofSchedAttr
		if unix.SchedSetAttr(0, before, 0) != nil {
			return err
		}
	}
	runtime.UnlockOSThread()
	return err
}
