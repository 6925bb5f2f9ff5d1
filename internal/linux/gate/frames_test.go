package gate

import (
	"encoding/binary"
	"net/netip"
)

// This file makes frames, byte by byte: what the tests put on the wire must
// not depend on anybody's idea of what is sensible.

type mac = [6]byte

var (
	broadcast = mac{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	noMAC     = mac{}
)

func cat(parts ...[]byte) []byte {
	var all []byte
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

func be16(v int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(v)) }

func ether(dst, src mac, proto int, payload []byte) []byte {
	return cat(dst[:], src[:], be16(proto), payload)
}

// tagged puts a VLAN tag into a frame.
func tagged(vid int, frame []byte) []byte {
	return cat(frame[:12], be16(0x8100), be16(vid), frame[12:])
}

// arp is the payload of RFC 826.
func arp(op int, sha mac, spa netip.Addr, tha mac, tpa netip.Addr) []byte {
	return cat(be16(1), be16(0x0800), []byte{6, 4}, be16(op), sha[:], spa.AsSlice(), tha[:], tpa.AsSlice())
}

func arpRequest(src mac, spa, tpa netip.Addr) []byte {
	return ether(broadcast, src, 0x0806, arp(1, src, spa, noMAC, tpa))
}

func arpReply(dst, src mac, spa, tpa netip.Addr) []byte {
	return ether(dst, src, 0x0806, arp(2, src, spa, dst, tpa))
}

// ip4 is a packet; opts are its options.
func ip4(src, dst netip.Addr, proto int, opts, payload []byte) []byte {
	h := cat([]byte{byte(0x45 + len(opts)/4), 0}, be16(20+len(opts)+len(payload)),
		[]byte{0, 1, 0, 0, 64, byte(proto), 0, 0}, src.AsSlice(), dst.AsSlice(), opts)
	if proto == 112 {
		h[8] = 255
	}
	binary.BigEndian.PutUint16(h[10:], checksum(h))
	return append(h, payload...)
}

func ip6(src, dst netip.Addr, next, hops int, payload []byte) []byte {
	return cat([]byte{0x60, 0, 0, 0}, be16(len(payload)), []byte{byte(next), byte(hops)}, src.AsSlice(), dst.AsSlice(), payload)
}

func udp(payload string) []byte {
	return cat(be16(4000), be16(4001), be16(8+len(payload)), be16(0), []byte(payload))
}

func checksum(parts ...[]byte) uint16 {
	b := cat(parts...)
	if len(b)%2 == 1 {
		b = append(b, 0)
	}
	sum := uint32(0)
	for i := 0; i < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// icmp6 fills in the checksum of an ICMPv6 message.
func icmp6(src, dst netip.Addr, msg []byte) []byte {
	msg = cat(msg)
	pseudo := cat(src.AsSlice(), dst.AsSlice(), []byte{0, 0}, be16(len(msg)), []byte{0, 0, 0, 58})
	binary.BigEndian.PutUint16(msg[2:], checksum(pseudo, msg))
	return msg
}

func echo4(typ, id int) []byte {
	m := cat([]byte{byte(typ), 0, 0, 0}, be16(id), be16(1), []byte("holdfast"))
	binary.BigEndian.PutUint16(m[2:], checksum(m))
	return m
}

func echo6(src, dst netip.Addr, typ, id int) []byte {
	return icmp6(src, dst, cat([]byte{byte(typ), 0, 0, 0}, be16(id), be16(1), []byte("holdfast")))
}

// solicit is a neighbour solicitation with its ICMPv6 checksum.
func solicit(src, dst, target netip.Addr, from mac) []byte {
	m := cat([]byte{135, 0, 0, 0, 0, 0, 0, 0}, target.AsSlice())
	if !src.IsUnspecified() {
		m = cat(m, []byte{1, 1}, from[:])
	}
	return icmp6(src, dst, m)
}

func advertise(src, dst, target netip.Addr, from mac) []byte {
	return icmp6(src, dst, cat([]byte{136, 0, 0, 0, 0x20, 0, 0, 0}, target.AsSlice(), []byte{2, 1}, from[:]))
}

// solicitedNode is the multicast group of an address and its MAC, RFC 4291
// §2.7.1 and RFC 2464 §7.
func solicitedNode(a netip.Addr) (netip.Addr, mac) {
	b := a.As16()
	group := netip.AddrFrom16([16]byte{0xff, 2, 10: 0, 11: 1, 12: 0xff, 13: b[13], 14: b[14], 15: b[15]})
	return group, multicastMAC6(group)
}

func multicastMAC6(a netip.Addr) mac {
	b := a.As16()
	return mac{0x33, 0x33, b[12], b[13], b[14], b[15]}
}

func nsFrame(src mac, from, target netip.Addr) []byte {
	group, m := solicitedNode(target)
	return ether(m, src, 0x86dd, ip6(from, group, 58, 255, solicit(from, group, target, src)))
}

func naFrame(dst, src mac, from, to, target netip.Addr) []byte {
	return ether(dst, src, 0x86dd, ip6(from, to, 58, 255, advertise(from, to, target, src)))
}

// advert is a VRRP advert, with nothing right but what the gate looks at.
func advert(version, vrid, priority int) []byte {
	return []byte{byte(version<<4 | 1), byte(vrid), byte(priority), 1, 0, 100, 0, 0, 192, 0, 2, 10}
}

// The extension headers of RFC 8200, each with the one that follows it.
func hopByHop(next int) []byte    { return []byte{byte(next), 0, 5, 2, 0, 0, 1, 0} }
func destOptions(next int) []byte { return []byte{byte(next), 0, 1, 4, 0, 0, 0, 0} }
func fragment(next, offset int) []byte {
	return cat([]byte{byte(next), 0}, be16(offset<<3), []byte{0, 0, 0, 7})
}
