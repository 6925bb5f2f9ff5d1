package model

import (
	"net/netip"

	"github.com/holdfast-net/holdfast/internal/balance"
)

// tuple is who speaks with whom.
type tuple struct{ src, dst netip.AddrPort }

func (t tuple) turned() tuple { return tuple{t.dst, t.src} }

// key is by what a flow is known; the backend's packets have another one than
// the client's.
type key struct {
	tuple
	proto   uint8
	backend bool
}

// other is the key of packets in the other direction.
func (k key) other(to tuple) key { return key{to.turned(), k.proto, !k.backend} }

// flow is what packets with its key become.
type flow struct {
	target *target
	to     tuple
	end
}

// end is what is known of a flow's.
type end struct{ fin, backFin, broken, answered bool }

func (e end) closed() bool { return e.broken || e.fin && e.backFin }
func (e end) ending() bool { return e.broken || e.fin || e.backFin }

// find looks for an established flow first.
func (b *Balancer) find(k key) (*flow, int) {
	if f := b.flows[established][k]; f != nil {
		return f, established
	}
	return b.flows[halfOpen][k], halfOpen
}

// more counts an established flow, or one less.
func (f *flow) more(n int) {
	f.target.flows += n
	f.target.service.flows += n
}

// forget ends a flow of a client.
func (b *Balancer) forget(k key, f *flow) {
	if b.flows[established][k] != nil && !f.closed() {
		f.more(-1)
	}
	for _, tier := range b.flows {
		delete(tier, k)
		delete(tier, k.other(f.to))
	}
}

// promote makes a client's flow an established one.
func (b *Balancer) promote(k key, f *flow) {
	other := k.other(f.to)
	if f.to.src.Port() != 0 {
		if there := b.flows[halfOpen][other]; there != nil && there.to != k.turned() || b.flows[established][other] != nil {
			return
		}
		b.flows[established][other] = &flow{target: f.target, to: k.turned(), end: f.end}
	}
	b.flows[established][k] = f
	if !f.closed() {
		f.more(1)
	}
	delete(b.flows[halfOpen], k)
	delete(b.flows[halfOpen], other)
}

// follow notes in both directions what a packet says of its flow's end.
func (b *Balancer) follow(p *packet, f *flow) {
	if p.proto != protoTCP || p.fragment == later {
		return
	}
	if f.broken && p.flags&(flagRST|flagSYN) == 0 {
		b.revive(p.key, f)
	}
	fin := p.flags&flagFIN != 0
	b.mark(p.key, f, end{fin: fin && !p.backend, backFin: fin && p.backend, broken: p.flags&flagRST != 0})
}

// mark notes an end of a flow in both directions.
func (b *Balancer) mark(k key, f *flow, is end) {
	other, _ := b.find(k.other(f.to))
	client := f
	if k.backend {
		client, k = other, k.other(f.to)
	}
	was := client != nil && client.closed()
	for _, f := range []*flow{f, other} {
		if f != nil {
			f.end = end{f.fin || is.fin, f.backFin || is.backFin, f.broken || is.broken, f.answered || is.answered}
		}
	}
	if client != nil && !was && client.closed() && b.flows[established][k] != nil {
		client.more(-1)
	}
}

// revive takes a RST back that nobody has believed.
func (b *Balancer) revive(k key, f *flow) {
	other, _ := b.find(k.other(f.to))
	client := f
	if k.backend {
		client, k = other, k.other(f.to)
	}
	was := client != nil && client.closed()
	for _, f := range []*flow{f, other} {
		if f != nil {
			f.broken = false
		}
	}
	if was && !client.closed() && b.flows[established][k] != nil {
		client.more(1)
	}
}

// A flow whose packet goes on as if it were the first is stale.
type standing int

const (
	good standing = iota
	stale
	over
)

func (b *Balancer) standing(s *service, p *packet, f *flow, tier int) standing {
	t := f.target
	begins := stale
	if p.proto == protoTCP && !p.isSYN() && !s.foretold() {
		begins = over // nobody knows where else it would go
	}
	if !b.alive(t) || t.service != s {
		return begins
	}
	gone := t.State == balance.Down || t.State == balance.Removed
	if p.isSYN() && (gone || tier == established && f.ending() || tier == halfOpen && t.State != balance.Up) {
		return stale
	}
	policy := s.Service.OnDown
	switch t.State {
	case balance.Down:
	case balance.Removed:
		policy = s.Service.OnRemoved
	default:
		return good
	}
	switch {
	case policy == balance.Keep:
		return good
	case policy == balance.Reset && p.proto == protoTCP:
		return over
	}
	return begins
}

// ended says whether a backend's connection is one that both ends are to be told
// is over.
func (b *Balancer) ended(p *packet, f *flow) bool {
	s := f.target.service.Service
	down, removed := f.target.State == balance.Down, f.target.State == balance.Removed
	return p.proto == protoTCP && (down && s.OnDown == balance.Reset || removed && s.OnRemoved == balance.Reset)
}
