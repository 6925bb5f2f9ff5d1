// Package watch tells about interfaces as they change: carrier, addresses,
// deletion and return. It implements engine.Watch.
//
// One netlink socket is subscribed to links and to addresses of both
// families, so the order in which things happened is kept across them. Every
// message updates a table of what is known; a change is delivered at once when
// the picture of an interface differs from the one delivered before, and
// nothing is held back or smoothed.
//
// When more happens than the socket's buffer holds, the kernel drops messages
// and says so. Then everything is listed anew and compared with the table, so
// that what was missed is delivered after all: an address that is gone is
// lost, an interface that is gone is gone.
//
// A macvlan is part of the interface that it sits on: addresses lost from it,
// or found twice on the network by it, are also news of that interface, since
// this is where a group with a virtual MAC has its addresses.
package watch

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/engine"
)

const (
	// buffer holds some thousand messages: a container host makes and
	// deletes hundreds of interfaces in one go.
	buffer = 4 << 20
	// retry is the pause after an error that is not expected to happen.
	retry = 100 * time.Millisecond
)

// Watch implements engine.Watch.
type Watch struct {
	deliver func(engine.Change)
	events  *nl.NetlinkSocket
	lists   *nl.SocketHandle // for listing; a socket of its own, which stays in the namespace

	mu    sync.Mutex // guards table
	table table

	relists atomic.Uint64
	once    sync.Once
	closing chan struct{}
	ended   chan struct{}
}

var _ engine.Watch = (*Watch)(nil)

// New starts watching the interfaces of the network namespace that the
// calling thread is in. Deliver is called from one goroutine, in the order of
// the events, and should not block for long.
func New(deliver func(engine.Change)) (*Watch, error) {
	w := &Watch{
		deliver: deliver,
		table:   newTable(),
		closing: make(chan struct{}),
		ended:   make(chan struct{}),
	}
	if err := w.open(); err != nil {
		return nil, fmt.Errorf("cannot watch interfaces: %w", err)
	}
	go w.run()
	return w, nil
}

func (w *Watch) open() (err error) {
	w.events, err = nl.Subscribe(unix.NETLINK_ROUTE,
		unix.RTNLGRP_LINK, unix.RTNLGRP_IPV4_IFADDR, unix.RTNLGRP_IPV6_IFADDR)
	if err != nil {
		return err
	}
	if w.events.SetReceiveBufferSize(buffer, true) != nil {
		_ = w.events.SetReceiveBufferSize(buffer, false) // without CAP_NET_ADMIN, as much as the system allows
	}
	socket, err := nl.Subscribe(unix.NETLINK_ROUTE)
	if err != nil {
		w.events.Close()
		return err
	}
	w.lists = &nl.SocketHandle{Socket: socket}
	if w.table, err = w.list(); err != nil {
		w.closeSockets()
	}
	return err
}

// Links lists all interfaces as of the last change that was delivered or is
// about to be.
func (w *Watch) Links() ([]engine.Link, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.table.all(), nil
}

// Relists is how often changes came faster than they were read, so that
// everything had to be listed anew.
func (w *Watch) Relists() uint64 { return w.relists.Load() }

// Close stops watching. Nothing is delivered after it has returned; deliver
// must not call it.
func (w *Watch) Close() error {
	w.once.Do(func() {
		close(w.closing)
		w.events.Close()
		<-w.ended
		w.lists.Close()
	})
	return nil
}

func (w *Watch) closeSockets() {
	w.events.Close()
	w.lists.Close()
}

func (w *Watch) run() {
	defer close(w.ended)
	for {
		messages, from, err := w.events.Receive()
		select {
		case <-w.closing:
			return
		default:
		}
		switch {
		case err != nil:
			if !errors.Is(err, unix.ENOBUFS) && !w.pause() {
				return
			}
			w.relist()
		case from.Pid == nl.PidKernel:
			for i := range messages {
				w.apply(func(t *table) []engine.Change { return t.message(&messages[i]) })
			}
		}
	}
}

// apply changes the table and delivers what that means.
func (w *Watch) apply(f func(*table) []engine.Change) {
	w.mu.Lock()
	changes := f(&w.table)
	w.mu.Unlock()
	for _, c := range changes {
		w.deliver(c)
	}
}

// relist finds out what was missed.
func (w *Watch) relist() {
	w.relists.Add(1)
	for {
		// What is still queued is older than the list and would set the
		// table back.
		w.drain()
		fresh, err := w.list()
		if err == nil {
			w.apply(func(t *table) []engine.Change { return t.replace(fresh) })
			return
		}
		if !w.pause() {
			return
		}
	}
}

func (w *Watch) drain() {
	b := make([]byte, 1)
	for {
		_, _, err := unix.Recvfrom(w.events.GetFd(), b, unix.MSG_DONTWAIT|unix.MSG_TRUNC)
		if err != nil && err != unix.ENOBUFS && err != unix.EINTR {
			return
		}
	}
}

// pause waits a little; false means that the watch is being closed.
func (w *Watch) pause() bool {
	select {
	case <-w.closing:
		return false
	case <-time.After(retry):
		return true
	}
}

// list makes a table from what the kernel has now. A list that changed while
// it was read is asked for again; if it keeps changing, the last one is good
// enough, because the changes are queued as events.
func (w *Watch) list() (table, error) {
	t := newTable()
	for _, what := range []struct {
		request int
		reply   uint16
		body    nl.NetlinkRequestData
	}{
		{unix.RTM_GETLINK, unix.RTM_NEWLINK, nl.NewIfInfomsg(unix.AF_UNSPEC)},
		{unix.RTM_GETADDR, unix.RTM_NEWADDR, nl.NewIfAddrmsg(unix.AF_UNSPEC)},
	} {
		var bodies [][]byte
		for range 5 {
			req := nl.NewNetlinkRequest(what.request, unix.NLM_F_DUMP)
			req.Sockets = map[int]*nl.SocketHandle{unix.NETLINK_ROUTE: w.lists}
			req.AddData(what.body)
			var err error
			bodies, err = req.Execute(unix.NETLINK_ROUTE, what.reply)
			if err == nil {
				break
			}
			if !errors.Is(err, nl.ErrDumpInterrupted) {
				return t, fmt.Errorf("cannot list interfaces: %w", err)
			}
		}
		for _, b := range bodies {
			t.parse(what.reply, b)
		}
	}
	return t, nil
}
