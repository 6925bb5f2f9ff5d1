package model

import (
	"encoding/binary"
	"time"
)

const (
	protoIPv4 = 4
	protoIPv6 = 41
)

// way is how large packets on one may be, until it is forgotten.
type way struct {
	until time.Duration
	mtu   int
}

// aboutTunnel learns from an error about a packet of a flow that was in a tunnel.
func (b *Balancer) aboutTunnel(now time.Duration, p, q *packet) (Result, bool) {
	at := q.l4
	switch {
	case q.proto == protoUDP && q.dst.Port() == guePort:
		at += 8
	case q.proto != protoIPv4 && q.proto != protoIPv6:
		return Result{}, false
	}
	h := p.frame[p.l4:]
	mtu := int(binary.BigEndian.Uint32(h[4:]))
	if p.is4() {
		mtu &= 0xffff
	}
	if p.is4() && (h[0] != 3 || h[1] != 4) || !p.is4() && h[0] != 2 || len(p.frame) <= at {
		return Result{}, false
	}
	in := &packet{frame: p.frame}
	parse := in.parse6
	if p.frame[at]>>4 == 4 {
		parse = in.parse4
	}
	if !parse(at) || len(p.frame) < in.l4+4 {
		return Result{}, false
	}
	in.setPorts(be16(p.frame[in.l4:]), be16(p.frame[in.l4+2:]))
	f, _ := b.find(in.key)
	if f == nil || !b.alive(f.target) {
		return Result{}, false
	}
	to := f.target.Addr.Addr()
	if hop, ok := b.config.Route(to); !ok || q.dst.Addr() != to || q.src.Addr() != hop.Source {
		return Result{}, false
	}
	if p.absurd() {
		return Result{Why: "absurd"}, true
	}
	b.ways[to] = way{now + 10*time.Minute, mtu}
	return Result{}, true
}
