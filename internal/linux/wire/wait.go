package wire

import (
	"fmt"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/engine"
)

// Wait fills in with what arrived and returns how many; see engine.Wire. One
// call takes at most one batch from each ready socket and never more than in
// has room for, so it returns soon under any flood.
func (w *Wire) Wait(until time.Time, in []engine.Datagram) (int, error) {
	for {
		ready, err := w.poll(until)
		if err != nil {
			return 0, err
		}
		n, news := w.take(ready, in)
		if n > 0 || news || len(in) == 0 || (!until.IsZero() && time.Until(until) <= 0) {
			return n, nil
		}
	}
}

// take reads from the ready sockets. News says that Wake was called.
func (w *Wire) take(ready int, in []engine.Datagram) (n int, news bool) {
	sockets := 0
	for _, ev := range w.events[:ready] {
		switch ev.Fd {
		case slotEvent:
			w.clear(w.event)
			// Only now: a Wake in between is answered by this return.
			w.woken.Store(false)
			news = true
		case slotTimer:
			w.clear(w.timer)
		default:
			sockets++
		}
	}
	w.rx.reset()
	for _, ev := range w.events[:ready] {
		if ev.Fd < 0 || n == len(in) {
			continue // a socket left out stays ready
		}
		share := max((len(in)-n)/sockets, 1)
		sockets--
		n += w.receive(w.socks[ev.Fd], in[n:n+share])
	}
	return n, news
}

// clear reads the eight bytes that make an eventfd or timerfd ready.
func (w *Wire) clear(fd int) {
	_, _, _ = unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&w.rx.scratch)), 8)
}

// poll blocks until something is ready or the instant has come, and returns
// the number of events.
func (w *Wire) poll(until time.Time) (int, error) {
	for {
		n, errno := w.pollOnce(until)
		switch errno {
		case 0:
			return n, nil
		case unix.EINTR: // a signal, for instance the runtime's own
		default:
			return 0, fmt.Errorf("cannot wait for packets: %w", errno)
		}
	}
}

func (w *Wire) pollOnce(until time.Time) (int, unix.Errno) {
	var left time.Duration
	if !until.IsZero() {
		if left = time.Until(until); left <= 0 {
			return epollPwait(w.epoll, w.events, 0)
		}
	}
	if w.timer < 0 {
		return epollPwait2(w.epoll, w.events, left)
	}
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(left))} // zero disarms
	_, _, errno := unix.RawSyscall6(unix.SYS_TIMERFD_SETTIME, uintptr(w.timer), 0, uintptr(unsafe.Pointer(&spec)), 0, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return epollPwait(w.epoll, w.events, -1)
}

// epollPwait2 blocks for the time left, zero meaning for ever. It goes through
// the scheduler's door for blocking calls (unix.Syscall6), so other goroutines
// go on meanwhile, but stays on this thread.
func epollPwait2(epoll int, events []unix.EpollEvent, left time.Duration) (int, unix.Errno) {
	var spec *unix.Timespec
	if left > 0 {
		ts := unix.NsecToTimespec(int64(left))
		spec = &ts
	}
	n, _, errno := unix.Syscall6(unix.SYS_EPOLL_PWAIT2, uintptr(epoll),
		uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), uintptr(unsafe.Pointer(spec)), 0, 8)
	return int(n), errno
}

// epollPwait is the older call, with milliseconds: 0 looks only, -1 blocks.
func epollPwait(epoll int, events []unix.EpollEvent, ms int) (int, unix.Errno) {
	var n uintptr
	var errno unix.Errno
	if ms == 0 {
		n, _, errno = unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(epoll),
			uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), 0, 0, 8)
	} else {
		n, _, errno = unix.Syscall6(unix.SYS_EPOLL_PWAIT, uintptr(epoll),
			uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), uintptr(ms), 0, 8)
	}
	return int(n), errno
}

// hasPwait2 tells whether the kernel has epoll_pwait2 (since 5.11) and the
// sandbox lets us call it.
func hasPwait2(epoll int) bool {
	var ev [1]unix.EpollEvent
	_, errno := epollPwait2(epoll, ev[:], time.Nanosecond)
	return errno != unix.ENOSYS && errno != unix.EPERM
}
