package model

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/balance/flowhash"
)

// translate rewrites a packet of NAT or full NAT, in either direction.
func (b *Balancer) translate(p *packet, f *flow) Result {
	if p.hops <= 1 {
		return drop("expired")
	}
	hop, _ := b.config.Route(f.to.dst.Addr())
	big := hop.tooSmall(p.bytes)
	if big && p.dont {
		return b.tooBig(p, hop.MTU)
	}
	out := slices.Clone(p.frame)
	p.head(out, f.to.src.Addr(), f.to.dst.Addr())
	if p.fragment != later {
		p.transport(out, f.to)
	}
	if big {
		return Result{Frame: out} // the kernel routes it, in fragments
	}
	return b.toHop(out, f.to.dst.Addr())
}

// head rewrites the IP header of a packet that is forwarded.
func (p *packet) head(out []byte, src, dst netip.Addr) {
	ip := out[p.l3:]
	if p.is4() {
		before := [2]byte(ip[8:])
		ip[8]--
		update(ip[10:], before[:], ip[8:10])
	} else {
		ip[7]--
	}
	p.addressesTo(out, src, dst)
}

// addressesTo rewrites those of an IP header, with its checksum if it has one.
func (p *packet) addressesTo(out []byte, src, dst netip.Addr) {
	ip := out[p.l3:]
	after := append(src.AsSlice(), dst.AsSlice()...)
	if p.is4() {
		update(ip[10:], ip[12:20], after)
		copy(ip[12:], after)
		return
	}
	copy(ip[8:], after)
}

// transport rewrites the header of TCP or UDP.
func (p *packet) transport(out []byte, to tuple) {
	l4 := out[p.l4:]
	binary.BigEndian.PutUint16(l4, to.src.Port())
	binary.BigEndian.PutUint16(l4[2:], to.dst.Port())
	amendTransport(p.proto, l4[sumAt(p.proto):], p.tuple, to)
}

func sumAt(proto uint8) int {
	if proto == protoUDP {
		return 6
	}
	return 16
}

// amendTransport brings the checksum of TCP or UDP up to date.
func amendTransport(proto uint8, sum []byte, from, to tuple) {
	if proto == protoUDP && be16(sum) == 0 {
		return // RFC 768: there is none
	}
	update(sum, from.bytes(), to.bytes())
	if proto == protoUDP && be16(sum) == 0 {
		binary.BigEndian.PutUint16(sum, 0xffff)
	}
}

// bytes are those of a tuple that a checksum covers.
func (t tuple) bytes() []byte {
	var b []byte
	for _, e := range []netip.AddrPort{t.src, t.dst} {
		b = append(b, e.Addr().AsSlice()...)
		b = binary.BigEndian.AppendUint16(b, e.Port())
	}
	return b
}

// update brings a checksum up to date (RFC 1624 §3, equation 3).
func update(sum, before, after []byte) {
	n := uint32(^be16(sum))
	for i := 0; i < len(before); i += 2 {
		n += uint32(^be16(before[i:])) + uint32(be16(after[i:]))
	}
	binary.BigEndian.PutUint16(sum, ^folded(n))
}

func folded(n uint32) uint16 {
	for n>>16 != 0 {
		n = n&0xffff + n>>16
	}
	return uint16(n)
}

// guePort is where GUE is listened for, and entropy the first of the ports that
// it is sent from.
const (
	guePort = 6080
	entropy = 49152
)

// wrap puts a packet into another one. It is of the flow that has k.
func (b *Balancer) wrap(s *service, p *packet, k key, f *flow) Result {
	to := f.target.Addr.Addr()
	hop, ok := b.config.Route(to)
	if !ok {
		return drop("no route")
	}
	proto := byte(41)
	if p.is4() {
		proto = 4
	}
	room := 40
	if to.Is4() {
		room = 20
	}
	var udp []byte
	if s.Service.Encapsulation == balance.GUE {
		proto = protoUDP
		hash := flowhash.Flow(s.Seed, k.src, k.dst, k.proto)
		udp = binary.BigEndian.AppendUint16(udp, entropy+uint16(hash&0x3fff))
		udp = binary.BigEndian.AppendUint16(udp, guePort)
		udp = binary.BigEndian.AppendUint16(udp, uint16(p.bytes+8))
		udp = append(udp, 0, 0)
	}
	room += len(udp)
	if way := b.ways[to]; way.until > b.now && p.bytes+room > way.mtu {
		return b.tooBig(p, way.mtu-room)
	}
	if hop.tooSmall(p.bytes + room) {
		return b.tooBig(p, hop.MTU-room)
	}
	kind := uint16(0x86dd)
	if to.Is4() {
		kind = 0x0800
	}
	outer := tuple{netip.AddrPortFrom(hop.Source, 0), netip.AddrPortFrom(to, 0)}
	head := header(outer, proto, len(udp)+p.bytes, p.tos, 0x4000)
	out := slices.Concat(p.frame[:12], []byte{byte(kind >> 8), byte(kind)}, head, udp, p.frame[etherSize:])
	return b.toHop(out, to)
}
