package proxy

import (
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/balance"
)

// The sides of a connection, and the direction that begins at each.
const (
	client = iota
	server
)

// stage is how far a connection has come.
type stage uint8

const (
	chosen     stage = iota // a target is being looked for
	queued                  // every target has as many as it may have
	connecting              // to one
	joined
	over
)

// readiness is what epoll said of a socket last. It is told of changes only.
type readiness struct{ read, write, end bool }

// conn is a client's connection and the one to a target that it is joined to.
type conn struct {
	loop     *loop
	service  *service
	target   *target
	from, to netip.AddrPort // the client, and where it connected
	entry    uint32
	fd       [2]int32
	stage    stage
	lists    uint8 // of the loop that name it: it is not used again before they are done with it
	tried    uint8
	failed   *target
	ready    [2]readiness
	half     [2]half
	since    int64 // when the stage began
	active   int64 // when something moved last
	places   [sets]int
}

// begin takes a connection that was accepted.
func (l *loop) begin(s *service, fd int32, from, to netip.AddrPort) {
	v := s.view.Load()
	svc := v.plan.Service
	if !allowed(svc.Allow, from.Addr()) || !s.rate.take(l.now, svc.NewPerSecond) || !s.admit(svc.MaxFlows) {
		s.limited.Add(1)
		reset(fd)
		return
	}
	var c *conn
	if n := len(l.conns); n > 0 {
		c, l.conns = l.conns[n-1], l.conns[:n-1]
	} else {
		c = &conn{}
	}
	*c = conn{loop: l, service: s, from: from, to: to, fd: [2]int32{fd, -1}, since: l.now, active: l.now}
	c.entry = l.enter(entry{conn: c})
	l.all.add(c)
	if l.watch(fd, c.entry, client, edges) != nil {
		c.abort()
		return
	}
	c.choose(v)
}

const edges = unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET

// choose finds a target and connects to it, waits for one, or gives up.
func (c *conn) choose(v *view) {
	t, full := c.loop.pick(c.service, v, balance.TCP, c.from, c.to, c.failed)
	switch {
	case t != nil:
		c.connect(t)
	case full && c.loop.enqueue(c, v.plan.Service.Proxying):
	default:
		if full {
			c.service.limited.Add(1)
		} else {
			c.service.refused.Add(1)
		}
		c.abort()
	}
}

func (c *conn) connect(t *target) {
	c.target, c.stage, c.since = t, connecting, c.loop.now
	c.loop.connecting.add(c)
	fd, err := unix.Socket(family(t.addr.Addr()), unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		c.connectFailed()
		return
	}
	c.fd[server] = int32(fd)
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
	if e := connect(int32(fd), &t.to); e != 0 && e != unix.EINPROGRESS {
		c.connectFailed()
		return
	}
	if c.loop.watch(c.fd[server], c.entry, server, edges) != nil {
		c.connectFailed()
	}
}

// connectFailed tries another target, as often as the service says.
func (c *conn) connectFailed() {
	c.loop.connecting.remove(c)
	c.target.failures.Add(1)
	if c.fd[server] >= 0 {
		closeFd(c.fd[server])
		c.fd[server] = -1
	}
	c.ready[server] = readiness{}
	c.failed = c.target
	c.loop.part(c.service, c.target)
	c.target = nil
	v := c.service.view.Load()
	if c.tried >= v.plan.Service.Proxying.Retries {
		c.service.refused.Add(1)
		c.abort()
		return
	}
	c.tried++
	c.choose(v)
}

func (c *conn) join() {
	c.loop.connecting.remove(c)
	c.stage, c.since, c.active = joined, c.loop.now, c.loop.now
	c.target.connections.Add(1)
	h := &c.half[client]
	switch c.service.view.Load().plan.Service.Proxying.Header {
	case balance.HeaderV1:
		h.buffer = c.loop.buffers.buffer()
		h.kept = appendHeaderV1(h.buffer[:0], c.from, c.to)
	case balance.HeaderV2:
		h.buffer = c.loop.buffers.buffer()
		h.kept = appendHeaderV2(h.buffer[:0], c.from, c.to)
	}
	c.pump()
}

// event is what epoll has to say about one of the sockets.
func (c *conn) event(side int, events uint32) {
	r := &c.ready[side]
	if events&(unix.EPOLLIN|unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		r.read = true
	}
	if events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		r.end = true
	}
	if events&(unix.EPOLLOUT|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		r.write = true
	}
	switch {
	case c.stage == joined:
		c.pump()
	case side == client:
		if events&(unix.EPOLLHUP|unix.EPOLLERR) != 0 { // it was reset: nobody waits any more
			c.abort()
		}
	case c.stage == connecting && events&(unix.EPOLLOUT|unix.EPOLLHUP|unix.EPOLLERR) != 0:
		if pendingError(c.fd[server]) != 0 {
			c.connectFailed()
		} else {
			c.join()
		}
	}
}

// pump moves what can be moved, for as long as the budget lasts.
func (c *conn) pump() {
	if c.stage != joined {
		return
	}
	for range pumpBudget {
		up, err := c.move(client)
		if err != 0 {
			c.abort()
			return
		}
		down, err := c.move(server)
		if err != 0 {
			c.abort()
			return
		}
		if c.half[client].done && c.half[server].done {
			c.finish()
			return
		}
		if !up && !down {
			return
		}
	}
	c.lists++
	c.loop.ready = append(c.loop.ready, c)
}

// count notes bytes that a side has sent.
func (c *conn) count(side, n int) {
	c.active = c.loop.now
	if side == client {
		c.target.in.Add(uint64(n))
	} else {
		c.target.out.Add(uint64(n))
	}
}

// finish closes both sides, which have said all that they had to say.
func (c *conn) finish() {
	if c.half[client].lost || c.half[server].lost {
		c.abort()
		return
	}
	closeFd(c.fd[client])
	closeFd(c.fd[server])
	c.forget()
}

// abort resets both sides.
func (c *conn) abort() {
	if c.stage == over {
		return
	}
	reset(c.fd[client])
	if c.fd[server] >= 0 {
		reset(c.fd[server])
	}
	c.forget()
}

func (c *conn) forget() {
	l := c.loop
	if c.stage == queued {
		c.service.queued.Add(-1)
	}
	c.stage = over
	c.empty(&c.half[client])
	c.empty(&c.half[server])
	l.all.remove(c)
	l.connecting.remove(c)
	l.leave(c.entry)
	c.service.flows.Add(-1)
	if c.target != nil {
		l.part(c.service, c.target)
		c.target = nil
	}
	if c.lists == 0 {
		l.conns = append(l.conns, c)
	}
}

// unlist says that a list of the loop does not name the connection any more.
func (c *conn) unlist() {
	if c.lists--; c.lists == 0 && c.stage == over {
		c.loop.conns = append(c.loop.conns, c)
	}
}
