package packets

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
)

// Protocols and types of ICMP.
const (
	ICMP4 = 1
	ICMP6 = 58

	Unreachable4      = 3 // code 4: fragmentation needed
	Redirect4         = 5
	Echo4             = 8
	TimeExceeded4     = 11
	ParameterProblem4 = 12

	Unreachable6      = 1
	TooBig6           = 2
	TimeExceeded6     = 3
	ParameterProblem6 = 4
	Echo6             = 128
)

// Error is an ICMP error, or any other message of ICMP, in an Ethernet frame.
type Error struct {
	From, To   [6]byte
	Src, Dst   netip.Addr
	Hops       uint8 // 0 is 64
	Type, Code uint8
	Rest       uint32 // the second half of ICMP's header: an MTU, say
	About      []byte // the packet that it quotes, from its IP header on
	ID         uint16
	MayBreak   bool // IPv4: routers may fragment it
}

// Frame gives the bytes.
func (e Error) Frame() []byte {
	b := []byte{e.Type, e.Code, 0, 0}
	b = append(binary.BigEndian.AppendUint32(b, e.Rest), e.About...)
	p := Packet{From: e.From, To: e.To, Hops: e.Hops, ID: e.ID, MayBreak: e.MayBreak}
	p.Src, p.Dst = netip.AddrPortFrom(e.Src, 0), netip.AddrPortFrom(e.Dst, 0)
	n := uint32(0)
	if p.Proto = ICMP4; e.Src.Is6() {
		p.Proto = ICMP6
		n = pseudo(e.Src, e.Dst, ICMP6, len(b))
	}
	binary.BigEndian.PutUint16(b[2:], ^sum(n, b))
	return p.around(b)
}

// IP is what is in a frame, of it at most n bytes: what an error quotes.
func IP(frame []byte, n int) []byte { return slices.Clone(frame[14:min(len(frame), 14+n)]) }

// checkICMP looks at an ICMP message and at what it quotes, as far as that is
// there.
func checkICMP(proto uint8, src, dst netip.Addr, b []byte) error {
	n := uint32(0)
	if proto == ICMP6 {
		n = pseudo(src, dst, proto, len(b))
	}
	if got := sum(n, b); got != 0xffff {
		return fmt.Errorf("the checksum of ICMP is off by %#x", ^got)
	}
	if proto == ICMP6 && b[0] < Echo6 && len(b) >= 48 {
		if ip := b[8:]; len(ip) >= 40+int(binary.BigEndian.Uint16(ip[4:])) {
			return check6(ip)
		}
		return nil
	}
	if proto == ICMP6 || b[0] == Echo4 || len(b) < 28 {
		return nil
	}
	ip := b[8:]
	if len(ip) >= int(binary.BigEndian.Uint16(ip[2:])) {
		return check4(ip)
	}
	return checkHeader4(ip)
}
