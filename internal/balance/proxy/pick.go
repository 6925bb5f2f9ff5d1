package proxy

import (
	"net/netip"

	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/balance/flowhash"
)

// tries is how many slots are looked at where the first one's target has as
// many flows as it may have, before all targets are compared.
const tries = 32

// pick finds a target for a new flow and counts the flow for it. Without one
// it says whether some are only full. It passes over the target that has just
// failed, unless there is no other.
func (l *loop) pick(s *service, v *view, proto balance.Proto, from, to netip.AddrPort, failed *target) (t *target, full bool) {
	if len(v.named) == 0 {
		return nil, false
	}
	svc := v.plan.Service
	var who netip.Addr
	if svc.Affinity > 0 {
		who = flowhash.Prefix(from.Addr(), svc.Sources).Addr()
		if t = s.memory.get(who, l.now); t != nil && t != failed && v.names(t) && t.acquire() {
			s.memory.put(who, t, l.now, svc.Affinity)
			return t, false
		}
	}
	t = l.pickOne(s, v, proto, from, to, failed)
	if t == nil && failed != nil && failed.acquire() {
		t = failed
	}
	if t != nil && svc.Affinity > 0 {
		s.memory.put(who, t, l.now, svc.Affinity)
	}
	return t, t == nil
}

// names reports whether new flows go to a target.
func (v *view) names(t *target) bool {
	for _, i := range v.named {
		if v.targets[i] == t {
			return true
		}
	}
	return false
}

func (l *loop) pickOne(s *service, v *view, proto balance.Proto, from, to netip.AddrPort, failed *target) *target {
	table := v.plan.Table
	n := uint32(len(table))
	var slot uint32
	switch v.plan.Select {
	case balance.Least:
		return v.least(l.rand.Uint32N(uint32(len(v.named))), failed)
	case balance.LeastOfTwo:
		a, b := table[l.rand.Uint32N(n)], table[l.rand.Uint32N(n)]
		for i := 0; a == b && len(v.named) > 1 && i < tries; i++ {
			b = table[l.rand.Uint32N(n)]
		}
		if v.lighter(b, a) {
			a, b = b, a
		}
		for _, i := range [...]uint16{a, b} {
			if t := v.targets[i]; t != failed && t.acquire() {
				return t
			}
		}
		return v.least(l.rand.Uint32N(uint32(len(v.named))), failed)
	case balance.InTurn:
		turn, ok := l.turns[s]
		if !ok {
			turn = l.rand.Uint32() // loops do not all begin with the same
		}
		l.turns[s] = turn + 1
		slot = turn % n
	case balance.BySource:
		slot = flowhash.Slot(flowhash.Source(v.plan.Seed, from.Addr(), v.plan.Service.Sources), n)
	default:
		slot = flowhash.Slot(flowhash.Flow(v.plan.Seed, from, to, uint8(proto)), n)
	}
	for range tries {
		if t := v.targets[table[slot]]; t != failed && t.acquire() {
			return t
		}
		if slot++; slot == n {
			slot = 0
		}
	}
	return v.least(l.rand.Uint32N(uint32(len(v.named))), failed)
}

// least is the one with the fewest flows for its weight that takes another. Of
// equal ones it is the first after some place, so that not all loops choose the
// same.
func (v *view) least(begin uint32, failed *target) *target {
	for {
		best := -1
		for k := range v.named {
			i := v.named[(int(begin)+k)%len(v.named)]
			t := v.targets[i]
			if limit := int64(t.limit.Load()); t == failed || limit > 0 && t.flows.Load() >= limit {
				continue
			}
			if best < 0 || v.lighter(i, uint16(best)) {
				best = int(i)
			}
		}
		if best < 0 {
			return nil
		}
		if t := v.targets[best]; t.acquire() {
			return t
		}
	}
}

// lighter tells whether one more flow loads target a less than target b.
func (v *view) lighter(a, b uint16) bool {
	p := v.plan.Targets
	return (uint64(v.targets[a].flows.Load())+1)*uint64(p[b].Weight) < (uint64(v.targets[b].flows.Load())+1)*uint64(p[a].Weight)
}
