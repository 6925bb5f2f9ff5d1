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
const defaultSlack = "50000"

// Start starts a program that does not inherit what Raise did: it runs in the
// ordinary scheduling class, with ordinary timers, and is not spared when
// memory runs out. (Locked memory is never inherited.)
//
// A child has the class of the thread that starts it, unless that thread has
// asked for the ordinary one to be given to what it forks (sched(7),
// SCHED_FLAG_RESET_ON_FORK). The thread itself stays in its class: see the
// package's word on mixed priorities. It is the calling thread, because a
// program with a Pdeathsig ends with the thread that started it (prctl(2)),
// and only the caller can see to it that this one lives.
func Start(cmd *exec.Cmd) error {
	runtime.LockOSThread()
	if err := startOrdinary(cmd); err != nil {
		return err
	}
	// These can be set only now. A child that runs as another user may be out
	// of reach: it keeps ours then.
	proc := "/proc/" + strconv.Itoa(cmd.Process.Pid)
	_ = os.WriteFile(proc+"/oom_score_adj", []byte("0"), 0)
	_ = os.WriteFile(proc+"/timerslack_ns", []byte(defaultSlack), 0)
	return nil
}

// startOrdinary starts a program and unlocks the calling thread once it is
// what it was before. A thread that may not take its flag back stays locked:
// it ends with its goroutine rather than make ordinary threads for others.
func startOrdinary(cmd *exec.Cmd) error {
	attr, err := unix.SchedGetAttr(0, 0)
	if err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("cannot read the scheduling class: %w", err)
	}
	attr.Size = unix.SizeofSchedAttr
	flags := attr.Flags
	attr.Flags |= unix.SCHED_FLAG_RESET_ON_FORK
	if err := unix.SchedSetAttr(0, attr, 0); err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("cannot have the program started in the ordinary class: %w", err)
	}
	err = cmd.Start()
	attr.Flags = flags
	if unix.SchedSetAttr(0, attr, 0) == nil {
		runtime.UnlockOSThread()
	}
	return err
}
