package model

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/balance/flowhash"
)

const (
	protoICMP4 = 1
	protoICMP6 = 58
	icmpSize   = 8
)

// isError says whether a packet is an ICMP error: a packet could not be
// delivered, was too big, on its way for too long, or wrong.
func (p *packet) isError() bool {
	if p.fragment != whole || len(p.frame) <= p.l4 {
		return false
	}
	switch t := p.frame[p.l4]; {
	case p.proto == protoICMP4 && p.is4():
		return t == 3 || t == 11 || t == 12
	case p.proto == protoICMP6 && !p.is4():
		return t >= 1 && t <= 4
	}
	return false
}

// absurd says whether it wants packets smaller than any link has them.
func (p *packet) absurd() bool {
	h := p.frame[p.l4:]
	if p.is4() {
		return h[0] == 3 && h[1] == 4 && be16(h[6:]) < 576
	}
	return h[0] == 2 && binary.BigEndian.Uint32(h[4:]) < 1280
}

// quote is the packet that an error is about, as far as it is there.
func (p *packet) quote() (*packet, bool) {
	q := &packet{frame: p.frame}
	at := p.l4 + icmpSize
	if len(p.frame) < at {
		return nil, false
	}
	parse := q.parse6
	if p.is4() {
		parse = q.parse4
	}
	if !parse(at) || q.fragment == later {
		return nil, false
	}
	if q.proto != protoTCP && q.proto != protoUDP {
		return q, q.proto == protoIPv4 || q.proto == protoIPv6
	}
	if len(q.frame) < q.l4+8 {
		return nil, false
	}
	q.setPorts(be16(q.frame[q.l4:]), be16(q.frame[q.l4+2:]))
	return q, true
}

// error sends one to who sent the packet that it is about.
func (b *Balancer) error(now time.Duration, p *packet) Result {
	q, ok := p.quote()
	if !ok || p.dst.Addr() != q.src.Addr() {
		return Result{}
	}
	if r, ok := b.aboutTunnel(now, p, q); ok {
		return r
	}
	k := key{q.turned(), q.proto, false}
	if s := b.services[balance.Endpoint{AddrPort: k.dst, Proto: balance.Proto(k.proto)}]; s != nil {
		return b.errorToBackend(now, s, p, q, k)
	}
	k.backend = true
	return b.errorToClient(p, q, k)
}

func (b *Balancer) errorToBackend(now time.Duration, s *service, p, q *packet, k key) Result {
	f, _ := b.find(k)
	switch {
	case f == nil:
		if f = b.guess(now, s, k); f == nil {
			return drop("no flow")
		}
	case !b.alive(f.target) || f.target.service != s:
		return drop("ended")
	}
	if p.absurd() {
		return drop("absurd")
	}
	switch s.Service.Forward {
	case balance.DSR:
		return b.asItIs(p, f)
	case balance.Tunnel:
		return b.wrap(s, p, k, f)
	case balance.FullNAT:
		return b.translateError(p, q, f, f.to.src.Addr())
	}
	return b.translateError(p, q, f, p.src.Addr())
}

func (b *Balancer) errorToClient(p, q *packet, k key) Result {
	f, _ := b.find(k)
	switch {
	case f == nil && b.ours(k.dst):
		return drop("no flow")
	case f == nil:
		return Result{}
	case !b.alive(f.target):
		return drop("ended")
	case p.absurd():
		return drop("absurd")
	}
	return b.translateError(p, q, f, f.to.src.Addr())
}

// guess is for a flow that is not known here.
func (b *Balancer) guess(now time.Duration, s *service, k key) *flow {
	if !s.foretold() {
		return nil
	}
	t, _ := b.pick(now, s, k, flowhash.Flow(s.Seed, k.src, k.dst, k.proto))
	if t == nil {
		return nil
	}
	return &flow{target: t, to: tuple{k.src, t.Addr}}
}

// translateError rewrites an error and what it quotes. The sum over an IPv4
// header does not change with its addresses: it has a checksum of its own.
func (b *Balancer) translateError(p, q *packet, f *flow, src netip.Addr) Result {
	if p.hops <= 1 {
		return drop("expired")
	}
	hop, _ := b.config.Route(f.to.dst.Addr())
	big := hop.tooSmall(p.bytes)
	if big && p.dont {
		return drop("too big")
	}
	before := p.frame
	out := slices.Clone(before)
	p.head(out, src, f.to.dst.Addr())
	to := f.to.turned()
	q.addressesTo(out, to.src.Addr(), to.dst.Addr())
	binary.BigEndian.PutUint16(out[q.l4:], to.src.Port())
	binary.BigEndian.PutUint16(out[q.l4+2:], to.dst.Port())
	if at := q.l4 + sumAt(q.proto); len(out) >= at+2 {
		amendTransport(q.proto, out[at:], q.tuple, to)
	}
	sum := out[p.l4+2:]
	end := min(len(out), q.l4+20) &^ 1
	update(sum, before[p.l4+icmpSize:end], out[p.l4+icmpSize:end])
	if !p.is4() {
		update(sum, before[etherSize+8:etherSize+40], out[etherSize+8:etherSize+40])
	}
	if big {
		return Result{Frame: out}
	}
	return b.toHop(out, f.to.dst.Addr())
}
