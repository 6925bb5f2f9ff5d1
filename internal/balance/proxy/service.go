package proxy

import (
	"net/netip"
	"sync/atomic"

	"github.com/holdfast-net/holdfast/internal/balance"
)

// service is one service as all loops see it.
type service struct {
	loops   []*loop
	view    atomic.Pointer[view]
	flows   atomic.Int64
	queued  atomic.Int64
	poked   atomic.Bool // loops were asked to look after their queues
	rate    rate
	memory  affinity
	refused atomic.Uint64 // nobody to serve
	limited atomic.Uint64 // over a limit, or not allowed

	crowded   atomic.Uint64 // sessions that there was no room for
	displaced atomic.Uint64 // and those that made room
}

// view is a plan with the targets that belong to its places.
type view struct {
	plan    *balance.Plan
	targets []*target
	flows   func(place int) uint64
}

// target is a backend of a service, with what all plans that name it have in
// common.
type target struct {
	id    uint32
	addr  netip.AddrPort
	to    sockaddr
	limit atomic.Uint32
	flows atomic.Int64

	connections atomic.Uint64 // since the beginning
	failures    atomic.Uint64 // to connect
	in, out     atomic.Uint64 // bytes
	packets     [2]atomic.Uint64
}

// acquire counts a flow, unless there are as many as there may be.
func (t *target) acquire() bool {
	limit := int64(t.limit.Load())
	for {
		n := t.flows.Load()
		if limit > 0 && n >= limit {
			return false
		}
		if t.flows.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// admit counts a flow of the service, unless there are as many as there may be.
func (s *service) admit(limit uint64) bool {
	if n := s.flows.Add(1); limit > 0 && uint64(n) > limit {
		s.flows.Add(-1)
		return false
	}
	return true
}

func allowed(from []netip.Prefix, client netip.Addr) bool {
	for _, p := range from {
		if p.Contains(client) {
			return true
		}
	}
	return len(from) == 0
}

// viewOf joins a plan with the targets of the one before.
func viewOf(p *balance.Plan, before *view) *view {
	v := &view{plan: p, targets: make([]*target, len(p.Targets))}
	old := map[uint32]*target{}
	if before != nil {
		for _, t := range before.targets {
			old[t.id] = t
		}
	}
	for i, want := range p.Targets {
		t := old[want.ID]
		if t == nil {
			t = &target{id: want.ID, addr: want.Addr, to: makeSockaddr(want.Addr)}
		}
		t.limit.Store(want.MaxFlows)
		v.targets[i] = t
	}
	v.flows = func(place int) uint64 { return uint64(v.targets[place].flows.Load()) }
	return v
}

// abandoned is the targets whose connections end with this view: what is down
// or removed, unless its flows are to be kept. A stream cannot go on at another
// backend, so Rehash is Reset here.
func (v *view) abandoned(before *view) map[*target]bool {
	out := map[*target]bool{}
	named := map[*target]bool{}
	for i, t := range v.targets {
		named[t] = true
		switch v.plan.Targets[i].State {
		case balance.Down:
			out[t] = v.plan.Service.OnDown != balance.Keep
		case balance.Removed:
			out[t] = v.plan.Service.OnRemoved != balance.Keep
		}
	}
	for _, t := range before.targets {
		if !named[t] {
			out[t] = true
		}
	}
	return out
}
