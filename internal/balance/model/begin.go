package model

import (
	"net/netip"
	"time"

	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/balance/flowhash"
)

// probes is how many ports are tried, the first of them only where they are
// unused, passedOver how many further slots are looked at when a target is full.
const (
	probes     = 16
	unused     = 8
	passedOver = 16
)

type bondKey struct {
	service *service
	source  netip.Addr // the part of it that counts
}

type bond struct {
	target *target
	until  time.Duration
}

// foretold says whether the table knows whose a flow is that was never seen here.
// With full NAT the port that the backend knows is needed, too.
func (s *service) foretold() bool {
	return s.Select <= balance.BySource && s.Service.Forward != balance.FullNAT
}

// begin makes a new flow, or says why not.
func (b *Balancer) begin(now time.Duration, s *service, p *packet) (*flow, string) {
	if p.fragment == later {
		return nil, "no flow"
	}
	if p.proto == protoTCP && !p.isSYN() && (p.flags&(flagRST|flagSYN) != 0 || !s.foretold()) {
		return nil, "no flow"
	}
	if !s.allowed(p.src.Addr()) {
		return nil, "denied"
	}
	if n := s.Service.MaxFlows; n != 0 && uint64(s.flows) >= n {
		return nil, "limited"
	}
	if s.hurried(now) {
		return nil, "hurried"
	}
	hash := flowhash.Flow(s.Seed, p.src, p.dst, p.proto)
	t, full := b.pick(now, s, p.key, hash)
	switch {
	case t == nil && full:
		return nil, "limited"
	case t == nil:
		return nil, "refused"
	}
	f := b.bind(s, p.key, t, uint32(hash))
	if f == nil {
		return nil, "exhausted"
	}
	b.mark(p.key, f, end{fin: p.proto == protoTCP && p.flags&flagFIN != 0})
	if s.Service.Affinity > 0 {
		b.bonds[s.bondKey(p.key)] = bond{t, now + s.Service.Affinity}
	}
	return f, ""
}

func (s *service) bondKey(k key) bondKey {
	return bondKey{s, flowhash.Prefix(k.src.Addr(), s.Service.Sources).Addr()}
}

// pick gives the target of a new flow, or says that those it looked at are full.
func (b *Balancer) pick(now time.Duration, s *service, k key, hash uint64) (t *target, full bool) {
	last, ok := b.bonds[s.bondKey(k)]
	if ok && s.Service.Affinity > 0 && last.until > now && b.alive(last.target) && last.target.open() {
		return last.target, false
	}
	return s.choose(k, hash)
}

func (s *service) allowed(a netip.Addr) bool {
	for _, p := range s.Service.Allow {
		if p.Contains(a) {
			return true
		}
	}
	return len(s.Service.Allow) == 0
}

// hurried counts new flows of this second.
func (s *service) hurried(now time.Duration) bool {
	if s.Service.NewPerSecond == 0 {
		return false
	}
	if second := now / time.Second; s.second != second {
		s.second, s.began = second, 0
	}
	s.began++
	return s.began > s.Service.NewPerSecond
}

// tallied says whether it matters how many flows a target has: then one of UDP
// counts from its first answer on.
func (t *target) tallied() bool {
	s := t.service
	return s.Select == balance.Least || s.Select == balance.LeastOfTwo || s.Service.MaxFlows != 0 || t.MaxFlows != 0
}

func (t *target) full() bool { return t.MaxFlows != 0 && t.flows >= int(t.MaxFlows) }
func (t *target) open() bool { return t.State == balance.Up && !t.full() }

// lighter compares (flows + 1) / weight.
func (t *target) lighter(than *target) bool {
	return uint64(t.flows+1)*uint64(than.Weight) < uint64(than.flows+1)*uint64(t.Weight)
}

func (s *service) at(slot uint32) *target {
	return s.targets[s.Targets[s.Table[slot]].Addr]
}

// choose gives a target, or says that those it looked at are full.
func (s *service) choose(k key, hash uint64) (t *target, full bool) {
	n := len(s.Table)
	if n == 0 {
		return nil, false
	}
	at := int(flowhash.Slot(hash, uint32(n)))
	switch s.Select {
	case balance.BySource:
		at = int(flowhash.Slot(flowhash.Source(s.Seed, k.src.Addr(), s.Service.Sources), uint32(n)))
	case balance.InTurn:
		at = int(s.turn % uint64(n))
		s.turn++
	case balance.Least:
		return s.least(at)
	case balance.LeastOfTwo:
		second := int(flowhash.Slot(hash<<32, uint32(n)))
		x, y := s.at(uint32(at)), s.at(uint32(second))
		if y.open() && (!x.open() || y.lighter(x)) {
			at = second
		}
	}
	for i := range passedOver + 1 {
		t := s.at(uint32((at + i) % n))
		if t.open() {
			return t, false
		}
		full = full || t.State == balance.Up && t.full()
	}
	return nil, full
}

func (s *service) least(at int) (best *target, full bool) {
	for i := range min(len(s.Table), 64) {
		t := s.at(uint32((at + i) % len(s.Table)))
		switch {
		case !t.open():
			full = full || t.State == balance.Up && t.full()
		case best == nil || t.lighter(best):
			best = t
		}
	}
	return best, full
}

// bind makes both directions of a flow, the way back first, where nobody has
// it.
func (b *Balancer) bind(s *service, k key, t *target, hash uint32) *flow {
	f := &flow{target: t, to: tuple{netip.AddrPortFrom(k.src.Addr(), 0), netip.AddrPortFrom(t.Addr.Addr(), 0)}}
	if !s.twoWay() {
		b.flows[halfOpen][k] = f
		return f
	}
	for i := range uint32(probes) {
		f.to = tuple{b.candidate(s, k, t, hash, i), t.Addr}
		back := k.other(f.to)
		if s.Service.Forward == balance.FullNAT && b.services[balance.Endpoint{AddrPort: f.to.src, Proto: balance.Proto(k.proto)}] != nil {
			continue // what comes there is a client's
		}
		if there, _ := b.find(back); there != nil && there.to != k.turned() && (i < unused || !b.vacate(back)) {
			continue
		}
		delete(b.flows[established], back)
		b.flows[halfOpen][back] = &flow{target: t, to: k.turned()}
		b.flows[halfOpen][k] = f
		return f
	}
	return nil
}

// vacate forgets a flow that both ends have closed, by the key of the backend's
// packets.
func (b *Balancer) vacate(back key) bool {
	there := b.flows[established][back]
	if there == nil || !there.closed() {
		return false
	}
	client := back.other(there.to)
	f := b.flows[established][client]
	if f == nil || !f.closed() {
		return false
	}
	b.forget(client, f)
	return true
}

// scatter is how far apart the ports are that are tried after the first one.
const scatter = 0x9e3779b1

// candidate is what the backend sees as the source, the i-th try: full NAT goes
// through its ports in turn, so that each comes again as late as can be.
func (b *Balancer) candidate(s *service, k key, t *target, hash, i uint32) netip.AddrPort {
	first := uint32(b.config.Ports[0])
	ports := min(uint32(b.config.Ports[1])-first+1, 65535)
	a, at := k.src.Addr(), hash+i*scatter
	if s.Service.Forward == balance.NAT {
		if i == 0 {
			return k.src
		}
	} else {
		if i == 0 {
			at = t.turn
			t.turn++
		}
		at %= ports * uint32(len(s.Service.Translate))
		a = s.Service.Translate[at/ports]
	}
	return netip.AddrPortFrom(a, uint16(first+at%ports))
}
