package model

import (
	"encoding/binary"
	"net/netip"
	"slices"
)

// quoted is how much of a packet that is too big is sent back.
const quoted = 128

// tooBig tells the sender of a packet how much would fit, whether it may be cut or
// not: nobody cuts it.
func (b *Balancer) tooBig(p *packet, mtu int) Result {
	const why = "too big"
	if p.proto != protoTCP && p.proto != protoUDP || p.fragment == later || len(p.frame) < p.l3+quoted {
		return drop(why)
	}
	back := tuple{netip.AddrPortFrom(p.dst.Addr(), 0), netip.AddrPortFrom(p.src.Addr(), 0)}
	quote := p.frame[p.l3 : p.l3+quoted]
	icmp := make([]byte, icmpSize)
	var ip, pseudo []byte
	if p.is4() {
		icmp[0], icmp[1] = 3, 4
		binary.BigEndian.PutUint32(icmp[4:], uint32(mtu))
		ip = header(back, protoICMP4, icmpSize+quoted, 0, 0)
	} else {
		icmp[0] = 2
		binary.BigEndian.PutUint32(icmp[4:], uint32(max(mtu, 1280)))
		ip = header(back, protoICMP6, icmpSize+quoted, 0, 0)
		pseudo = slices.Concat(ip[8:40], []byte{0, icmpSize + quoted, 0, protoICMP6})
	}
	binary.BigEndian.PutUint16(icmp[2:], ^summed(pseudo, icmp, quote))
	return b.toHop(slices.Concat(p.frame[:etherSize], ip, icmp, quote), p.src.Addr()).because(why)
}
