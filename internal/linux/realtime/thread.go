package realtime

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/linux/capability"
)

// Raise puts every thread of the process into the real-time class at a
// priority of 1 to 99, including those that will be made later (a new thread
// has the class of the one that makes it), locks the memory, and asks the
// kernel to spare the process when memory runs out. What is refused is in the
// report, and everything works without it, less punctually.
func Raise(priority int) Report {
	var r Report
	r.add(fmt.Sprintf("all threads in the real-time class (SCHED_RR, priority %d)", priority),
		raiseThreads(priority), hintClass(priority))
	r.add("memory locked", lockMemory(), "set LimitMEMLOCK=infinity in the unit, or give CAP_IPC_LOCK")
	r.add("spared when memory runs out (oom_score_adj)", spare(), "set OOMScoreAdjust=-900 in the unit")
	return r
}

// raiseThreads raises the threads that there are, until there are no others.
func raiseThreads(priority int) error {
	raised := make(map[int]bool)
	for range 20 {
		tids, err := threads()
		if err != nil {
			return err
		}
		news := false
		for _, tid := range tids {
			if raised[tid] {
				continue
			}
			err := raiseThread(tid, priority)
			if err != nil && !errors.Is(err, unix.ESRCH) { // it may have ended
				return err
			}
			raised[tid], news = true, true
		}
		if !news {
			return nil
		}
	}
	return errors.New("threads are made faster than they can be raised")
}

func threads() ([]int, error) {
	entries, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return nil, fmt.Errorf("cannot list the threads: %w", err)
	}
	var tids []int
	for _, e := range entries {
		if tid, err := strconv.Atoi(e.Name()); err == nil {
			tids = append(tids, tid)
		}
	}
	return tids, nil
}

// raiseThread puts one thread into the class; 0 is the calling one.
func raiseThread(tid, priority int) error {
	return unix.SchedSetAttr(tid, &unix.SchedAttr{
		Size: unix.SizeofSchedAttr, Policy: unix.SCHED_RR, Priority: uint32(priority),
	}, 0)
}

// slack is how much the kernel may round the calling thread's timers, in
// nanoseconds.
func slack(ns uintptr) error { return unix.Prctl(unix.PR_SET_TIMERSLACK, ns, 0, 0, 0) }

// hintClass tells the reasons for a refusal apart: a limit, or a control group
// without real-time budget, which no privilege helps against.
func hintClass(priority int) string {
	var limit unix.Rlimit
	_ = unix.Getrlimit(unix.RLIMIT_RTPRIO, &limit)
	if limit.Cur >= uint64(priority) || capability.Has(unix.CAP_SYS_NICE) {
		return "its control group has no real-time budget: set cpu.rt_runtime_us there, or sysctl kernel.sched_rt_runtime_us"
	}
	return fmt.Sprintf("set LimitRTPRIO=%d in the unit, or give CAP_SYS_NICE", priority)
}
