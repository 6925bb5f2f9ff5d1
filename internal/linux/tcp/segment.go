package tcp

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/tickle"
)

const (
	flagSYN = 0x02
	flagRST = 0x04
	flagACK = 0x10

	tcpHeader = 20
	ttl       = 64
)

// appendSegment appends a packet from c.Local to c.Remote without data, IP
// header included. The kernel fills in what it knows better: the identification
// and the checksum of an IPv4 header (raw(7)).
func appendSegment(b []byte, c tickle.Connection, flags byte, seq uint32) []byte {
	src, dst := c.Local.Addr(), c.Remote.Addr()
	if src.Is4() {
		b = append(b, 0x45, 0, 0, 0, 0, 0, 0x40, 0, ttl, unix.IPPROTO_TCP, 0, 0)
		binary.BigEndian.PutUint16(b[len(b)-10:], 20+tcpHeader)
	} else {
		b = append(b, 0x60, 0, 0, 0, 0, tcpHeader, unix.IPPROTO_TCP, ttl)
	}
	b = append(b, src.AsSlice()...)
	b = append(b, dst.AsSlice()...)

	at := len(b)
	b = binary.BigEndian.AppendUint16(b, c.Local.Port())
	b = binary.BigEndian.AppendUint16(b, c.Remote.Port())
	b = binary.BigEndian.AppendUint32(b, seq)
	b = append(b, 0, 0, 0, 0, tcpHeader/4<<4, flags, 0, 0, 0, 0, 0, 0)
	binary.BigEndian.PutUint16(b[at+16:], checksum(src, dst, b[at:]))
	return b
}

// checksum is that of a segment whose own checksum is 0 (RFC 9293 §3.1).
func checksum(src, dst netip.Addr, segment []byte) uint16 {
	sum := uint32(unix.IPPROTO_TCP) + uint32(len(segment))
	for _, b := range [][]byte{src.AsSlice(), dst.AsSlice(), segment} {
		for i := 0; i+1 < len(b); i += 2 {
			sum += uint32(binary.BigEndian.Uint16(b[i:]))
		}
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// parse reads a packet that arrived, from its IP header on: what a client says
// of a connection.
func parse(b []byte) (tickle.Answer, bool) {
	var src, dst netip.Addr
	var seg []byte
	switch {
	case len(b) >= 20 && b[0]>>4 == 4 && b[9] == unix.IPPROTO_TCP && binary.BigEndian.Uint16(b[6:])&0x3fff == 0:
		header := int(b[0]&0x0f) * 4
		if header < 20 || header > len(b) {
			return tickle.Answer{}, false
		}
		src, dst, seg = netip.AddrFrom4([4]byte(b[12:16])), netip.AddrFrom4([4]byte(b[16:20])), b[header:]
	case len(b) >= 40 && b[0]>>4 == 6 && b[6] == unix.IPPROTO_TCP:
		src, dst, seg = netip.AddrFrom16([16]byte(b[8:24])), netip.AddrFrom16([16]byte(b[24:40])), b[40:]
	}
	if len(seg) < tcpHeader || seg[13]&flagRST != 0 {
		return tickle.Answer{}, false
	}
	a := tickle.Answer{
		Connection: tickle.Connection{
			Local:  netip.AddrPortFrom(dst, binary.BigEndian.Uint16(seg[2:])),
			Remote: netip.AddrPortFrom(src, binary.BigEndian.Uint16(seg)),
		},
		Ack: binary.BigEndian.Uint32(seg[8:]), New: seg[13]&flagSYN != 0,
	}
	return a, a.New || seg[13]&flagACK != 0
}
