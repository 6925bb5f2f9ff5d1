package lab

import (
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// send sends the probes, each at its own instant: a late one does not move
// those after it. What became due while this thread did not run is left out
// and counted. Sent at once, it would say nothing about the time it was meant
// for, and overflow some queue. The thread is the prober's own and ends with
// it.
func (p *Prober) send() {
	PreferThread()
	clock := NewAlarm(p.start)
	buf := make([]byte, probeSize)
	slot := 0
	for i := range p.record {
		slot++
		due := time.Duration(slot) * p.cfg.Interval
		clock.SleepUntil(due)
		if p.stopping.Load() {
			return
		}
		now := p.now()
		late := now - 1 - int64(due)
		if missed := int(late / int64(p.cfg.Interval)); missed > 0 {
			slot += missed
			p.skipped.Add(int64(missed))
		}
		putProbe(buf, p.id, uint64(i))
		p.lateness[i].Store(late)
		p.record[i].sent.Store(now)
		if !p.write(buf) {
			p.refused.Add(1)
		}
	}
}

// write hands a probe to the kernel, which first reports what became of an
// earlier one where an ICMP error came back, and then sends nothing.
func (p *Prober) write(b []byte) bool {
	for range 3 {
		_, _, errno := unix.Syscall6(unix.SYS_SENDTO, uintptr(p.fd),
			uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case 0:
			return true
		case unix.EINTR, unix.ECONNREFUSED, unix.EHOSTUNREACH:
		default:
			return false
		}
	}
	return false
}

// PreferThread gives the calling goroutine a thread of its own until it ends,
// and asks the kernel to run that thread on time, as far as it is allowed: the
// lowest real-time priority, below every daemon's, and no slack on timers.
// What the client and the services wait for a CPU would look like an outage.
func PreferThread() {
	runtime.LockOSThread()
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	_ = unix.SchedSetAttr(0, &unix.SchedAttr{
		Size:     unix.SizeofSchedAttr,
		Policy:   unix.SCHED_FIFO,
		Priority: 1,
		Flags:    unix.SCHED_FLAG_RESET_ON_FORK,
	}, 0)
}

// Alarm sleeps until instants on the monotonic clock.
type Alarm struct{ zero int64 }

// NewAlarm makes an Alarm whose zero is start.
func NewAlarm(start time.Time) Alarm {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) != nil {
		return Alarm{}
	}
	return Alarm{zero: ts.Nano() - int64(time.Since(start))}
}

// SleepUntil sleeps until so long after the alarm's zero.
func (a Alarm) SleepUntil(d time.Duration) {
	ts := unix.NsecToTimespec(a.zero + int64(d))
	for unix.ClockNanosleep(unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, &ts, nil) == unix.EINTR {
	}
}
