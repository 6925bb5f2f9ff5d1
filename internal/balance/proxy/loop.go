package proxy

import (
	"container/list"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// What a loop does at most for one connection, listener or socket before it
// looks after the others.
const (
	acceptBudget = 64
	pumpBudget   = 16
)

// loop is one thread with an epoll. All but post is for its own goroutine.
type loop struct {
	epoll, wake int32
	now         int64 // of CLOCK_MONOTONIC, as of the last round
	rand        *rand.Rand

	entries    []entry
	free       []uint32
	ready      []*conn // have more to do than their budget allowed
	spare      []*conn // the list's other memory
	buffers    pool
	conns      []*conn // to use again
	from       sockaddr
	datagram   [64 << 10]byte
	sessionsAt int64

	all        members // every connection
	connecting members
	cursor     int // the next one of all to look at for its idle time
	listeners  map[*service][]*listener
	sockets    map[*service][]*socket
	waiting    map[*service]*queue
	turns      map[*service]uint32
	swept      int64
	paused     int // listeners that wait for descriptors
	sessions   *sessions
	unanswered *list.List // sessions that wait for their first answer, oldest first

	mu    sync.Mutex
	inbox []func()
	done  chan struct{}
	stop  bool
}

// entry is what an event is for. Its number is used again; the generation
// tells an event that was on its way to the one before.
type entry struct {
	generation int32
	conn       *conn
	listener   *listener
	socket     *socket
	session    *session
}

const wakeEntry = -1

func newLoop(bound *sessions) (*loop, error) {
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("cannot make an epoll: %w", err)
	}
	wake, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		_ = unix.Close(ep)
		return nil, fmt.Errorf("cannot make an eventfd: %w", err)
	}
	l := &loop{
		epoll: int32(ep), wake: int32(wake), now: monotonic(), rand: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())),
		all: members{place: inAll}, connecting: members{place: inConnecting}, listeners: map[*service][]*listener{}, sockets: map[*service][]*socket{},
		waiting: map[*service]*queue{}, turns: map[*service]uint32{}, done: make(chan struct{}),
		sessions: bound, unanswered: list.New(),
	}
	if err := unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, wake, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: wakeEntry}); err != nil {
		l.release()
		return nil, fmt.Errorf("cannot watch an eventfd: %w", err)
	}
	return l, nil
}

func (l *loop) release() {
	closeFd(l.epoll)
	closeFd(l.wake)
	l.buffers.release()
}

func monotonic() int64 {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts)
	return ts.Nano()
}

// post has f run on the loop, soon.
func (l *loop) post(f func()) {
	l.mu.Lock()
	l.inbox = append(l.inbox, f)
	l.mu.Unlock()
	one := [8]byte{1}
	_, _ = unix.Write(int(l.wake), one[:])
}

// do has f run on the loop and waits until it has.
func (l *loop) do(f func()) {
	ran := make(chan struct{})
	l.post(func() { f(); close(ran) })
	select {
	case <-ran:
	case <-l.done:
	}
}

// tick is how exact times are.
const tick = 50 * time.Millisecond

func (l *loop) run() {
	runtime.LockOSThread()
	defer close(l.done)
	events := make([]unix.EpollEvent, 256)
	for !l.stop {
		timeout := int(tick.Milliseconds())
		if len(l.all.list) == 0 && len(l.sockets) == 0 && l.paused == 0 {
			timeout = -1
		}
		if len(l.ready) > 0 {
			timeout = 0
		}
		n, err := unix.EpollWait(int(l.epoll), events, timeout)
		if err != nil && err != unix.EINTR {
			panic("epoll_wait: " + err.Error()) // only a broken descriptor says so
		}
		l.now = monotonic()
		for i := range events[:max(n, 0)] {
			l.dispatch(&events[i])
		}
		ready := l.ready
		l.ready, l.spare = l.spare[:0], ready
		for _, c := range ready {
			c.pump()
			c.unlist()
		}
		if l.now-l.swept >= int64(tick) {
			l.swept = l.now
			l.sweep()
		}
	}
	l.release()
}

func (l *loop) dispatch(ev *unix.EpollEvent) {
	if ev.Fd == wakeEntry {
		l.takeInbox()
		return
	}
	e := &l.entries[ev.Fd>>1]
	if e.generation != ev.Pad {
		return
	}
	switch {
	case e.conn != nil:
		e.conn.event(int(ev.Fd&1), ev.Events)
	case e.listener != nil:
		e.listener.accept()
	case e.socket != nil:
		e.socket.receive()
	case e.session != nil:
		e.session.receive()
	}
}

func (l *loop) takeInbox() {
	var count [8]byte
	_, _ = unix.Read(int(l.wake), count[:])
	l.mu.Lock()
	inbox := l.inbox
	l.inbox = nil
	l.mu.Unlock()
	for _, f := range inbox {
		f()
	}
}

// enter gives what gets events a number.
func (l *loop) enter(e entry) uint32 {
	var i uint32
	if n := len(l.free); n > 0 {
		i = l.free[n-1]
		l.free = l.free[:n-1]
	} else {
		i = uint32(len(l.entries))
		l.entries = append(l.entries, entry{})
	}
	e.generation = l.entries[i].generation + 1
	l.entries[i] = e
	return i
}

func (l *loop) leave(i uint32) {
	l.entries[i] = entry{generation: l.entries[i].generation + 1}
	l.free = append(l.free, i)
}

func (l *loop) watch(fd int32, i uint32, side int, events uint32) error {
	return unix.EpollCtl(int(l.epoll), unix.EPOLL_CTL_ADD, int(fd), &unix.EpollEvent{
		Events: events, Fd: int32(i<<1) | int32(side), Pad: l.entries[i].generation,
	})
}
