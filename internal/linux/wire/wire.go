// Package wire carries the packets: adverts (IP protocol 112), the messages
// between nodes (UDP), and whole frames for ARP and neighbour discovery. It
// implements engine.Wire for thousands of groups on one thread.
//
// # Receiving
//
// Each interface has a raw IP socket per family for adverts and a UDP socket
// per family for messages, bound to the device. Raw IP sockets and not packet
// sockets, so that the host's firewall decides about adverts like about
// everything else. One epoll watches them all, and a timerfd for the instant
// until which Wait waits, with nanoseconds. Wait does not block in a system
// call of its own, but hands the epoll to the runtime's poller and is woken by
// it: a goroutine that blocks in the kernel keeps the runtime's monitor awake,
// which then costs ten times what the adverts do. It takes packets with
// recvmmsg into buffers that were made once. The kernel hands out ready sockets in turn and each gets its share of
// the room, so a flooded interface delays the others by one bounded batch and
// never starves them.
//
// # Sending
//
// Multicast leaves as whole Ethernet frames by one packet socket per
// interface: that alone lets the source MAC be the virtual one (RFC 9568
// §7.2) without a device of its own, and works before the kernel finished
// with the addresses. Unicast leaves by the raw IP and UDP sockets so that
// the kernel routes it and finds the neighbour. Packets are handed over with
// sendmmsg, many at once, never blocking.
//
// # Our own packets
//
// They do not come back: packet sockets do not loop to IP sockets, and
// multicast loop is off on the others. Copies that a switch reflects are
// delivered like any packet, because a router has to name and count them.
package wire

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/engine"
)

// Wire implements engine.Wire. All calls but Wake and Stats belong to one
// goroutine, in one network namespace.
type Wire struct {
	epoll   int
	event   int       // eventfd, written by Wake
	timer   int       // timerfd
	armed   time.Time // what the timer is set to
	woken   atomic.Bool
	life    sync.RWMutex // guards event against a Wake that comes late
	events  []unix.EpollEvent
	ready   int       // events of the last look
	looked  time.Time // when it began
	fetched time.Time // when packets were last read
	absent  bool      // that was a while ago
	flood   flood
	errno   unix.Errno // of the last look
	mute    bool       // nothing is received; see Sender

	file           *os.File // the epoll as the runtime sees it
	parked         syscall.RawConn
	lookUntilReady func(uintptr) bool // look, made once

	mu     sync.Mutex // guards ports against Stats; the loop alone changes it
	ports  map[engine.Port]*port
	byName map[string]*port
	last   engine.Port

	socks []*socket // what the data of an epoll event points to
	free  []int32   // empty places in socks

	rx receiver
	tx transmitter
}

var _ engine.Wire = (*Wire)(nil)

// Places in socks that are not sockets of a port.
const (
	slotEvent int32 = -1
	slotTimer int32 = -2
)

// New makes a wire with no interface open. Shutdown frees it.
func New() (*Wire, error) {
	w := &Wire{
		epoll: -1, event: -1, timer: -1,
		events: make([]unix.EpollEvent, batch),
		ports:  make(map[engine.Port]*port),
		byName: make(map[string]*port),
	}
	w.rx.init()
	w.tx.init()
	if err := w.init(); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot set up packet input: %w", err), w.Shutdown())
	}
	return w, nil
}

func (w *Wire) init() (err error) {
	if w.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return err
	}
	if w.event, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
		return err
	}
	if w.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC); err != nil {
		return err
	}
	if err = errors.Join(w.watch(w.event, slotEvent), w.watch(w.timer, slotTimer)); err != nil {
		return err
	}
	return w.park()
}

// park gives the epoll to the runtime's poller: one epoll watches another
// (epoll(7)).
func (w *Wire) park() (err error) {
	if err := unix.SetNonblock(w.epoll, true); err != nil { // else os.File does not poll
		return err
	}
	w.file = os.NewFile(uintptr(w.epoll), "epoll") // and closes it from now on
	w.lookUntilReady = w.look
	w.parked, err = w.file.SyscallConn()
	return err
}

// watch adds a file descriptor to the epoll. Level-triggered: what a bounded
// batch leaves in a socket makes it ready again, behind the others.
func (w *Wire) watch(fd int, slot int32) error {
	ev := unix.EpollEvent{Events: unix.EPOLLIN, Fd: slot}
	return unix.EpollCtl(w.epoll, unix.EPOLL_CTL_ADD, fd, &ev)
}

// Wake makes the Wait that is running, or else the next one, return at once.
// Wakes that come before it returned are one. After Shutdown it does nothing.
func (w *Wire) Wake() {
	if w.woken.Swap(true) {
		return // Wait will return anyway, and has not yet
	}
	// The number of a closed file may belong to another one.
	w.life.RLock()
	defer w.life.RUnlock()
	if w.event < 0 {
		return
	}
	one := [8]byte{0: 1, 7: 1} // not zero in either byte order
	_, _ = unix.Write(w.event, one[:])
}

// Shutdown closes everything. No other method but Wake may be called after it.
func (w *Wire) Shutdown() error {
	w.life.Lock()
	defer w.life.Unlock()
	var errs []error
	for p := range w.ports {
		errs = append(errs, w.Close(p))
	}
	if w.file != nil {
		errs = append(errs, w.file.Close())
		w.file, w.epoll = nil, -1
	}
	for _, fd := range []*int{&w.timer, &w.event, &w.epoll} {
		if *fd >= 0 {
			errs = append(errs, unix.Close(*fd))
			*fd = -1
		}
	}
	return errors.Join(errs...)
}
