package proxy

import (
	"container/list"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/balance"
)

// socket receives the datagrams of one loop at one address of a service. The
// kernel gives all of a client's to the same loop (SO_REUSEPORT takes the hash
// of both addresses), so sessions need no lock.
type socket struct {
	loop     *loop
	service  *service
	fd       int32
	entry    uint32
	at       netip.AddrPort
	sessions map[netip.AddrPort]*session
}

// session is one client's datagrams, and the answers to them. It has a socket
// of its own to its target, so that answers find it.
type session struct {
	socket *socket
	target *target
	client sockaddr
	from   netip.AddrPort
	fd     int32
	entry  uint32
	active int64
	both   bool          // an answer was seen
	waits  *list.Element // in the loop's list, until then
}

// datagramBudget is how many are taken before others have their turn.
const datagramBudget = 64

func (l *loop) listenDatagrams(s *service, fd int32, at netip.AddrPort) {
	x := &socket{loop: l, service: s, fd: fd, at: at, sessions: map[netip.AddrPort]*session{}}
	x.entry = l.enter(entry{socket: x})
	l.sockets[s] = append(l.sockets[s], x)
	if l.watch(fd, x.entry, 0, unix.EPOLLIN) != nil {
		x.service.refused.Add(1)
	}
}

// receive passes on what clients have sent.
func (x *socket) receive() {
	l := x.loop
	for range datagramBudget {
		n, err := readFrom(x.fd, l.datagram[:], &l.from)
		if err == unix.EAGAIN {
			return
		}
		if err != 0 {
			continue // an ICMP error about an answer of ours
		}
		from := l.from.addrPort()
		s := x.sessions[from]
		if s == nil {
			if s = x.begin(from); s == nil {
				continue
			}
		}
		s.active = l.now
		s.target.in.Add(uint64(n))
		s.target.packets[client].Add(1)
		if _, err := write(s.fd, l.datagram[:n]); err == unix.ECONNREFUSED {
			// Of the one before: nobody listens there. The next datagram
			// goes elsewhere.
			s.target.failures.Add(1)
			s.end()
		}
	}
}

// begin makes a session for a client.
func (x *socket) begin(from netip.AddrPort) *session {
	l, s := x.loop, x.service
	v := s.view.Load()
	svc := v.plan.Service
	if !allowed(svc.Allow, from.Addr()) || !s.rate.take(l.now, svc.NewPerSecond) || !s.admit(svc.MaxFlows) {
		s.limited.Add(1)
		return nil
	}
	if !l.place(s) {
		s.flows.Add(-1)
		return nil
	}
	t, full := l.pick(s, v, balance.UDP, from, x.at, nil)
	if t == nil {
		l.sessions.give()
		s.flows.Add(-1)
		if full {
			s.limited.Add(1)
		} else {
			s.refused.Add(1)
		}
		return nil
	}
	fd, err := unix.Socket(family(t.addr.Addr()), unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		if e := connect(int32(fd), &t.to); e != 0 {
			closeFd(int32(fd))
			err = e
		}
	}
	if err != nil {
		l.sessions.give()
		s.flows.Add(-1)
		t.flows.Add(-1)
		t.failures.Add(1)
		return nil
	}
	n := &session{socket: x, target: t, from: from, client: makeSockaddr(from), fd: int32(fd)}
	n.entry = l.enter(entry{session: n})
	x.sessions[from], n.waits = n, l.unanswered.PushBack(n)
	t.connections.Add(1)
	if l.watch(n.fd, n.entry, 0, unix.EPOLLIN) != nil {
		n.end()
		return nil
	}
	return n
}

// receive passes on what the target has answered.
func (s *session) receive() {
	l := s.socket.loop
	for range datagramBudget {
		n, err := read(s.fd, l.datagram[:])
		switch err {
		case 0:
		case unix.ECONNREFUSED:
			s.target.failures.Add(1)
			s.end()
			return
		default:
			return
		}
		s.active, s.both = l.now, true
		s.heard()
		s.target.out.Add(uint64(n))
		s.target.packets[server].Add(1)
		_ = writeTo(s.socket.fd, l.datagram[:n], &s.client)
	}
}

func (s *session) end() {
	l := s.socket.loop
	if s.socket.sessions[s.from] != s {
		return
	}
	delete(s.socket.sessions, s.from)
	closeFd(s.fd)
	l.leave(s.entry)
	s.heard()
	l.sessions.give()
	s.socket.service.flows.Add(-1)
	s.target.flows.Add(-1)
}

func (x *socket) close() {
	for _, s := range x.sessions {
		s.end()
	}
	closeFd(x.fd)
	x.loop.leave(x.entry)
}

// sweepSessions ends those that were silent for long, all in one second.
func (l *loop) sweepSessions() {
	if l.now < l.sessionsAt {
		return
	}
	l.sessionsAt = l.now + 1e9
	for s, sockets := range l.sockets {
		t := s.view.Load().plan.Service.Timeouts
		for _, x := range sockets {
			for _, n := range x.sessions {
				limit := t.UDP
				if n.both {
					limit = t.UDPAssured
				}
				if limit > 0 && l.now-n.active >= int64(limit) {
					n.end()
				}
			}
		}
	}
}
