package proxy

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/balance/flowhash"
)

var _ balance.Finder = (*Plane)(nil)

// Find implements [balance.Finder].
func (p *Plane) Find(name string, at balance.Endpoint, from netip.AddrPort) (balance.Sight, error) {
	p.mu.Lock()
	s := p.services[name]
	p.mu.Unlock()
	if s == nil {
		return balance.Sight{}, fmt.Errorf("cannot look for a flow of %s: it is not served here", name)
	}
	v := s.view.Load()
	out := balance.Sight{Chance: true, Flows: map[uint32]uint64{0: uint64(max(s.flows.Load(), 0))}}
	for _, t := range v.targets {
		out.Flows[t.id] = uint64(max(t.flows.Load(), 0))
	}
	p.each(func(l *loop) {
		if at.Proto == balance.UDP {
			l.findSession(s.service, at, from, &out)
		} else {
			l.findConn(s.service, at, from, &out)
		}
	})
	if svc := v.plan.Service; svc.Affinity > 0 {
		now := monotonic()
		if t, until := s.memory.look(flowhash.Prefix(from.Addr(), svc.Sources).Addr(), now); t != nil {
			out.Bond, out.Bound = t.addr, time.Duration(until-now)
		}
	}
	return out, nil
}

// findConn looks at all connections: it is asked by people, and seldom.
func (l *loop) findConn(s *service, at balance.Endpoint, from netip.AddrPort, out *balance.Sight) {
	for _, c := range l.all.list {
		if c.service != s || c.from != from || c.to != at.AddrPort || c.target == nil {
			continue
		}
		t := s.view.Load().plan.Service.Timeouts
		out.Flow = balance.Flow{Listen: at, Client: from, Backend: c.target.addr, Idle: time.Duration(l.now - c.active)}
		out.Established, out.Lasts = c.stage == joined, t.Established
		out.Gone = s.view.Load().place(c.target) == balance.NoPlace
		return
	}
}

func (l *loop) findSession(s *service, at balance.Endpoint, from netip.AddrPort, out *balance.Sight) {
	for _, x := range l.sockets[s] {
		n := x.sessions[from]
		if n == nil || x.at != at.AddrPort {
			continue
		}
		t := s.view.Load().plan.Service.Timeouts
		out.Flow = balance.Flow{Listen: at, Client: from, Backend: n.target.addr, Idle: time.Duration(l.now - n.active)}
		out.Established, out.Lasts = n.both, t.UDP
		if n.both {
			out.Lasts = t.UDPAssured
		}
		out.Gone = s.view.Load().place(n.target) == balance.NoPlace
		return
	}
}
