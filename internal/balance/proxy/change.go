package proxy

import "github.com/holdfast-net/holdfast/internal/balance"

// This file is what a change of plans does on one loop.

// unlisten closes an address of a service.
func (l *loop) unlisten(s *service, at balance.Endpoint) {
	if at.Proto == balance.UDP {
		keep := l.sockets[s][:0]
		for _, x := range l.sockets[s] {
			if x.at == at.AddrPort {
				x.close()
			} else {
				keep = append(keep, x)
			}
		}
		if l.sockets[s] = keep; len(keep) == 0 {
			delete(l.sockets, s)
		}
		return
	}
	keep := l.listeners[s][:0]
	for _, x := range l.listeners[s] {
		if x.at == at.AddrPort {
			x.close()
		} else {
			keep = append(keep, x)
		}
	}
	if l.listeners[s] = keep; len(keep) == 0 {
		delete(l.listeners, s)
	}
}

// abandon ends the connections of some targets.
func (l *loop) abandon(gone map[*target]bool) {
	l.abortIf(func(c *conn) bool { return gone[c.target] })
	for _, sockets := range l.sockets {
		for _, x := range sockets {
			for _, s := range x.sessions {
				if gone[s.target] {
					s.end()
				}
			}
		}
	}
}

// dismiss ends the connections of a service.
func (l *loop) dismiss(s *service) {
	l.abortIf(func(c *conn) bool { return c.service == s })
	l.serve(s) // drops the queue
	delete(l.turns, s)
}

func (l *loop) abortIf(match func(*conn) bool) {
	for i := 0; i < len(l.all.list); {
		if c := l.all.list[i]; match(c) {
			c.abort() // and another has its place
		} else {
			i++
		}
	}
}
