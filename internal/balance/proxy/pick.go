package proxy

import (
	"net/netip"

	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/balance/flowhash"
)

// races is how often a target is picked anew because others took its last
// place meanwhile.
const races = 8

// pick finds a target for a new flow and counts the flow for it. Without one
// it says whether some are only full. A target that has just failed gets the
// flow only where nobody else can.
func (l *loop) pick(s *service, v *view, proto balance.Proto, from, to netip.AddrPort, failed *target) (t *target, full bool) {
	if len(v.plan.Table) == 0 {
		return nil, false
	}
	svc := v.plan.Service
	var who netip.Addr
	if svc.Affinity > 0 {
		who = flowhash.Prefix(from.Addr(), svc.Sources).Addr()
		if t = s.memory.get(who, l.now); t != nil && t != failed && v.takes(t) && t.acquire() {
			s.memory.put(who, t, l.now, svc.Affinity)
			return t, false
		}
	}
	q := balance.Question{
		Source: from, Listen: balance.Endpoint{AddrPort: to, Proto: proto}, Except: v.place(failed),
		Random: [2]uint32{l.rand.Uint32(), l.rand.Uint32()}, Flows: v.flows,
	}
	if v.plan.Select == balance.InTurn {
		q.Turn = l.turn(s)
	}
	for range races {
		a := v.plan.Pick(q)
		if a.Place == balance.NoPlace {
			return nil, true
		}
		if t = v.targets[a.Place]; t.acquire() {
			if svc.Affinity > 0 {
				s.memory.put(who, t, l.now, svc.Affinity)
			}
			return t, false
		}
	}
	return nil, true
}

// turn is how many flows of a service had their turn on this loop. Loops do not
// all begin with the same target.
func (l *loop) turn(s *service) uint32 {
	n, ok := l.turns[s]
	if !ok {
		n = l.rand.Uint32()
	}
	l.turns[s] = n + 1
	return n
}

// place is that of a target in the plan.
func (v *view) place(t *target) int {
	for i := range v.targets {
		if t != nil && v.targets[i] == t {
			return i
		}
	}
	return balance.NoPlace
}

// takes tells whether new flows may go to a target.
func (v *view) takes(t *target) bool {
	i := v.place(t)
	return i != balance.NoPlace && v.plan.Targets[i].State == balance.Up
}
