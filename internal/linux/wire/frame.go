package wire

import (
	"encoding/binary"
	"net/netip"

	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/vrrp"
)

const (
	etherLen = 14
	ipv4Len  = 20
	ipv6Len  = 40
	udpLen   = 8
	// headroom is the longest header that is put before data.
	headroom = etherLen + ipv6Len + udpLen

	etherIPv4 = 0x0800
	etherIPv6 = 0x86dd
	protoUDP  = 17
)

// headers writes the Ethernet, IP and, for messages, UDP header of a multicast
// packet into b, which has headroom, and returns their length. Src and Dst
// are of one family.
func headers(b []byte, o *engine.Outgoing, mac [6]byte, id uint16) int {
	multicastMAC(b, o.Dst)
	copy(b[6:12], mac[:])
	protocol := byte(vrrp.Protocol)
	length := len(o.Data)
	if o.Kind == engine.Message {
		protocol = protoUDP
		length += udpLen
	}
	n := etherLen
	if o.Dst.Is4() {
		binary.BigEndian.PutUint16(b[12:], etherIPv4)
		ipv4Header(b[n:n+ipv4Len], o.Src, o.Dst, protocol, length, id)
		n += ipv4Len
	} else {
		binary.BigEndian.PutUint16(b[12:], etherIPv6)
		ipv6Header(b[n:n+ipv6Len], o.Src, o.Dst, protocol, length)
		n += ipv6Len
	}
	if o.Kind == engine.Message {
		udpHeader(b[n:n+udpLen], o)
		n += udpLen
	}
	return n
}

// multicastMAC maps a group to its Ethernet address: RFC 1112 §6.4 takes the
// low 23 bits of an IPv4 group, RFC 2464 §7 the low 32 of an IPv6 one.
func multicastMAC(b []byte, group netip.Addr) {
	if group.Is4() {
		a := group.As4()
		b[0], b[1], b[2], b[3], b[4], b[5] = 0x01, 0x00, 0x5e, a[1]&0x7f, a[2], a[3]
		return
	}
	a := group.As16()
	b[0], b[1], b[2], b[3], b[4], b[5] = 0x33, 0x33, a[12], a[13], a[14], a[15]
}

// ipv4Header writes a header without options: TTL 255, DSCP CS6, DF clear.
func ipv4Header(b []byte, src, dst netip.Addr, protocol byte, length int, id uint16) {
	s, d := src.As4(), dst.As4()
	b[0], b[1] = 0x45, tos
	binary.BigEndian.PutUint16(b[2:], uint16(ipv4Len+length))
	binary.BigEndian.PutUint16(b[4:], id)
	b[6], b[7], b[8], b[9], b[10], b[11] = 0, 0, hops, protocol, 0, 0
	copy(b[12:], s[:])
	copy(b[16:], d[:])
	binary.BigEndian.PutUint16(b[10:], ^fold(sum(0, b)))
}

// ipv6Header writes a header with no flow label: hop limit 255, class CS6.
func ipv6Header(b []byte, src, dst netip.Addr, protocol byte, length int) {
	s, d := src.As16(), dst.As16()
	b[0], b[1], b[2], b[3] = 0x60|tos>>4, tos&0x0f<<4, 0, 0
	binary.BigEndian.PutUint16(b[4:], uint16(length))
	b[6], b[7] = protocol, hops
	copy(b[8:], s[:])
	copy(b[24:], d[:])
}

// udpHeader writes the header with its checksum over pseudo-header, header
// and data (RFC 768, RFC 8200 §8.1); zero is sent as all ones.
func udpHeader(b []byte, o *engine.Outgoing) {
	length := uint16(udpLen + len(o.Data))
	binary.BigEndian.PutUint16(b[0:], engine.MessagePort)
	binary.BigEndian.PutUint16(b[2:], engine.MessagePort)
	binary.BigEndian.PutUint16(b[4:], length)
	b[6], b[7] = 0, 0
	s := uint64(protoUDP) + uint64(length)
	if o.Dst.Is4() {
		src, dst := o.Src.As4(), o.Dst.As4()
		s = sum(sum(s, src[:]), dst[:])
	} else {
		src, dst := o.Src.As16(), o.Dst.As16()
		s = sum(sum(s, src[:]), dst[:])
	}
	check := ^fold(sum(sum(s, b[:udpLen]), o.Data))
	if check == 0 {
		check = 0xffff
	}
	binary.BigEndian.PutUint16(b[6:], check)
}

// sum adds 16-bit words as in RFC 1071.
func sum(s uint64, b []byte) uint64 {
	for ; len(b) >= 2; b = b[2:] {
		s += uint64(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		s += uint64(b[0]) << 8
	}
	return s
}

func fold(s uint64) uint16 {
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return uint16(s)
}
