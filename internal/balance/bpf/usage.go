package bpf

import (
	"fmt"

	"github.com/holdfast-net/holdfast/internal/balance"
)

// Reason is why packets were dropped: an index of counters.Drops, and
// enum reason of bpf/maps.h.
type Reason int

const (
	Refused   Reason = iota // nobody to serve
	Limited                 // over a limit of flows
	Hurried                 // over a limit of new flows a second
	Denied                  // the source may not connect
	NoFlow                  // of a connection that nobody knows
	Ended                   // the flow's backend is gone
	Exhausted               // no port to translate to
	NoRoute                 // the routing table has no way, or forwarding is off
	TooBig                  // for the next link
	Expired                 // TTL
	Absurd                  // an ICMP error that wants packets smaller than any link has them
	Broken                  // cut off, or the kernel refused to change it
	Unknown                 // of a connection that nobody knows, and its sender was told
)

func (r Reason) String() string {
	return [...]string{
		"refused", "limited", "hurried", "denied", "no flow", "ended", "exhausted", "no route", "too big", "expired", "absurd", "broken",
		"unknown",
	}[r]
}

// Usage is balance.Plane's.
func (p *Plane) Usage(name string) (map[uint32]balance.Usage, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.services[name]
	if s == nil {
		return nil, fmt.Errorf("cannot count for %s: it is not served", name)
	}
	all := map[uint32]balance.Usage{}
	for _, slot := range append([]uint32{s.nobody}, s.slots...) {
		n, err := p.countersOf(slot)
		if err != nil {
			return nil, fmt.Errorf("cannot count for %s: %w", name, err)
		}
		id, _ := s.targetID(slot)
		all[id] = p.usage(slot, n)
	}
	return all, nil
}

func (p *Plane) usage(slot uint32, n counters) balance.Usage {
	u := balance.Usage{
		Flows: uint64(max(p.tallies[slot].flows.Load(), 0)), New: n.Began, Made: n.Made,
		PacketsIn: n.PacketsIn, PacketsOut: n.PacketsOut, BytesIn: n.BytesIn, BytesOut: n.BytesOut,
	}
	for why, n := range n.Drops {
		if n > 0 {
			if u.Drops == nil {
				u.Drops = map[string]uint64{}
			}
			u.Drops[Reason(why).String()] += n
		}
		switch Reason(why) {
		case Refused:
			u.Refused += n
		case Limited, Hurried:
			u.Limited += n
		default:
			u.Dropped += n
		}
	}
	return u
}

// Drops gives why packets of a service were dropped, and those of its targets.
// The name "" is for packets of no service.
func (p *Plane) Drops(name string) (map[Reason]uint64, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	slots := []uint32{0}
	if s := p.services[name]; s != nil {
		slots = append([]uint32{s.nobody}, s.slots...)
	} else if name != "" {
		return nil, fmt.Errorf("cannot count for %s: it is not served", name)
	}
	all := map[Reason]uint64{}
	for _, slot := range slots {
		n, err := p.countersOf(slot)
		if err != nil {
			return nil, fmt.Errorf("cannot count for %s: %w", name, err)
		}
		for why, n := range n.Drops {
			if n > 0 {
				all[Reason(why)] += n
			}
		}
	}
	return all, nil
}

// countersOf adds up what all CPUs have counted.
func (p *Plane) countersOf(slot uint32) (sum counters, err error) {
	var each []counters
	if err := p.objs.HfCounters.Lookup(slot, &each); err != nil {
		return sum, err
	}
	for _, n := range each {
		sum.Began += n.Began
		sum.Made += n.Made
		sum.PacketsIn += n.PacketsIn
		sum.BytesIn += n.BytesIn
		sum.PacketsOut += n.PacketsOut
		sum.BytesOut += n.BytesOut
		for i := range n.Drops {
			sum.Drops[i] += n.Drops[i]
		}
	}
	return sum, nil
}
