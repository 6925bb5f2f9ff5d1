package bpf

import (
	"net/netip"
	"slices"

	"github.com/holdfast-net/holdfast/internal/balance"
)

var _ balance.Roomer = (*Plane)(nil)

// census is what a sweep has counted.
type census struct {
	entries [2]uint64 // half open, established
	ports   map[translation]uint64
}

// translation is an address that full NAT sends from, and the slot of the
// backend that sees it.
type translation struct {
	from netip.Addr
	slot uint32
}

// count counts an entry of one of the two tiers.
func (c *census) count(k flowKey, f flow, established bool) {
	tier := 0
	if established {
		tier = 1
	}
	c.entries[tier]++
	if k.Side == backendSide {
		c.ports[translation{netip.AddrFrom16(k.Tuple.Dst).Unmap(), f.Slot}]++
	}
}

// hookNames is that of tc, which every interface has, and of those before it.
func (p *Plane) hookNames() string {
	names := p.hook.String()
	if slices.ContainsFunc(p.hooked, func(h Hooked) bool { return h.Hook == XDP }) {
		names += ", xdp"
	}
	return names
}

// Sizes is for how many flows there is room: established ones, and others. What
// an earlier run has chosen stays.
func (p *Plane) Sizes() (flows, halfOpen int) {
	return int(p.objs.HfFlows.MaxEntries() / 2), int(p.objs.HfHalf.MaxEntries() / 2)
}

// Room implements balance.Roomer, as of the last sweep.
func (p *Plane) Room() (balance.Room, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := balance.Room{Hook: p.hookNames(), Tables: []balance.Table{
		{
			Name: "flows", Used: p.census.entries[1], Size: uint64(p.objs.HfFlows.MaxEntries()),
			Full: "new flows are among the half-open ones, where the oldest make room",
		},
		{Name: "half-open", Used: p.census.entries[0], Size: uint64(p.objs.HfHalf.MaxEntries()), Gives: true},
	}}
	for _, h := range p.hooked {
		out.Hooks = append(out.Hooks, balance.Hooked{Interface: h.Interface, Hook: h.Hook.String(), Why: h.Why})
	}
	for name, s := range p.services {
		if s.plan == nil || s.plan.Service.Forward != balance.FullNAT {
			continue
		}
		for i, slot := range s.slots {
			for _, from := range s.plan.Service.Translate {
				out.Ports = append(out.Ports, balance.Ports{
					Service: name, Address: from, Backend: s.plan.Targets[i].Addr, Used: p.census.ports[translation{from.Unmap(), slot}],
					Size: uint64(p.config.Ports[1]) - uint64(p.config.Ports[0]) + 1,
				})
			}
		}
	}
	return out, nil
}
