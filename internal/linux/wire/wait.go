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
func (w *Wire) Wait(until time.Time, in []engine.Datagram) (int, time.Time, error) {
	if w.flood.high {
		time.Sleep(w.flood.nap(time.Now(), until))
	}
	for {
		if err := w.poll(until); err != nil {
			return 0, time.Time{}, err
		}
		n, news := w.take(w.ready, in)
		w.flood.heard(w.looked, n, len(in))
		if n > 0 || news || len(in) == 0 || (!until.IsZero() && !w.looked.Before(until)) {
			return n, w.looked, nil
		}
	}
}

// absence is for how long nothing is fetched before the kernel is asked whether
// anything was dropped meanwhile.
const absence = 20 * time.Millisecond

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
			w.armed = time.Time{}
		default:
			sockets++
		}
	}
	now := time.Now()
	w.absent, w.fetched = now.Sub(w.fetched) > absence, now
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

// poll waits until something is ready or the instant has come, and leaves the
// number of events in ready.
func (w *Wire) poll(until time.Time) error {
	if !until.IsZero() && time.Until(until) <= 0 {
		w.look(0)
		return w.failed()
	}
	if err := w.arm(until); err != nil {
		return err
	}
	if err := w.parked.Read(w.lookUntilReady); err != nil {
		return fmt.Errorf("cannot wait for packets: %w", err)
	}
	return w.failed()
}

// look asks the epoll what is ready, without waiting. It says false if nothing
// is.
func (w *Wire) look(uintptr) bool {
	for {
		w.looked = time.Now() // before: what is ready at this time is read
		n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(w.epoll),
			uintptr(unsafe.Pointer(&w.events[0])), uintptr(len(w.events)), 0, 0, 8)
		if errno == unix.EINTR {
			continue
		}
		if w.errno = errno; errno != 0 {
			n = 0
		}
		w.ready = int(n)
		return n > 0 || errno != 0
	}
}

func (w *Wire) failed() error {
	if w.errno != 0 {
		return fmt.Errorf("cannot wait for packets: %w", w.errno)
	}
	return nil
}

// arm sets the timer to an instant; zero disarms it.
func (w *Wire) arm(until time.Time) error {
	if until.Equal(w.armed) {
		return nil
	}
	var spec unix.ItimerSpec
	if !until.IsZero() {
		spec.Value = unix.NsecToTimespec(max(int64(time.Until(until)), 1)) // zero would disarm it
	}
	_, _, errno := unix.RawSyscall6(unix.SYS_TIMERFD_SETTIME, uintptr(w.timer), 0, uintptr(unsafe.Pointer(&spec)), 0, 0, 0)
	if errno != 0 {
		return fmt.Errorf("cannot set the timer: %w", errno)
	}
	w.armed = until
	return nil
}
