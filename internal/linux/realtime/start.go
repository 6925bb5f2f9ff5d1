package realtime

import (
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
// A child has the class of the thread that starts it, so one thread leaves
// the class for that moment.
func Start(cmd *exec.Cmd) error {
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		before, err := unix.SchedGetAttr(0, 0)
		if err == nil && before.Policy != unix.SCHED_NORMAL {
			err = lowerThread(0)
		}
		_ = slack(defaultSlack)
		if err == nil {
			err = cmd.Start()
		}
		started <- err
		if before != nil && before.Policy != unix.SCHED_NORMAL {
			before.Size = unix.SizeofSchedAttr
			if unix.SchedSetAttr(0, before, 0) != nil {
				// The thread ends with the goroutine, rather than serve others
				// from the wrong class.
				return
			}
		}
		_ = slack(1)
		runtime.UnlockOSThread()
	}()
	if err := <-started; err != nil {
		return err
	}
	// The score belongs to the process, so it can be set only now. A child
	// that runs as another user may be out of reach: it keeps ours then.
	_ = os.WriteFile("/proc/"+strconv.Itoa(cmd.Process.Pid)+"/oom_score_adj", []byte("0"), 0)
	return nil
}
