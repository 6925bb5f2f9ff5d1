// Package packets makes frames for tests of data planes, and looks whether
// their checksums are right: computed from scratch, so that an update that went
// wrong is not hidden by another one.
package packets

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
)

// Protocols and flags of TCP.
const (
	TCP = 6
	UDP = 17

	FIN = 1
	SYN = 2
	RST = 4
	ACK = 16
)

// Packet is one of TCP or UDP in an Ethernet frame.
type Packet struct {
	From, To [6]byte
	Src, Dst netip.AddrPort
	Proto    uint8
	Flags    uint8 // of TCP
	Hops     uint8 // 0 is 64
	TOS      uint8
	Payload  []byte
	Seq, Ack uint32 // of TCP

	// Extra is what is between the IP header and TCP or UDP: options of IPv4
	// (a multiple of 4 bytes), extension headers of IPv6 without their first
	// byte's meaning: each is 8 bytes of the type in Headers.
	Options []byte
	Headers []uint8
	// NoSum leaves the checksum of UDP out.
	NoSum bool
	// Fragments splits the packet in two, of which it gives one: 1 or 2.
	Fragment int
	ID       uint16
	MayBreak bool // IPv4: routers may fragment it
}

// Frame gives the bytes.
func (p Packet) Frame() []byte {
	l4 := p.transport()
	offset, more := 0, false
	if p.Fragment != 0 {
		cut := len(l4) / 2 &^ 7
		if p.Fragment == 1 {
			l4, more = l4[:cut], true
		} else {
			l4, offset = l4[cut:], cut
		}
	}
	return p.headed(l4, offset, more)
}

// around puts a header, and a frame, around what is not in two.
func (p Packet) around(l4 []byte) []byte { return p.headed(l4, 0, false) }

func (p Packet) headed(l4 []byte, offset int, more bool) []byte {
	hops := p.Hops
	if hops == 0 {
		hops = 64
	}
	if p.Src.Addr().Is4() {
		return p.frame4(l4, hops, offset, more)
	}
	return p.frame6(l4, hops, offset, more)
}

func (p Packet) ether(kind uint16) []byte {
	return binary.BigEndian.AppendUint16(slices.Concat(p.To[:], p.From[:]), kind)
}

func (p Packet) frame4(l4 []byte, hops byte, offset int, more bool) []byte {
	n := 20 + len(p.Options)
	ip := make([]byte, 20, n)
	ip[0], ip[1] = 0x40|byte(n/4), p.TOS
	binary.BigEndian.PutUint16(ip[2:], uint16(n+len(l4)))
	binary.BigEndian.PutUint16(ip[4:], p.ID)
	flags := uint16(offset / 8)
	if more {
		flags |= 0x2000
	} else if offset == 0 && !p.MayBreak {
		flags |= 0x4000
	}
	binary.BigEndian.PutUint16(ip[6:], flags)
	ip[8], ip[9] = hops, p.Proto
	copy(ip[12:], p.Src.Addr().AsSlice())
	copy(ip[16:], p.Dst.Addr().AsSlice())
	ip = append(ip, p.Options...)
	binary.BigEndian.PutUint16(ip[10:], ^sum(0, ip))
	return slices.Concat(p.ether(0x0800), ip, l4)
}

func (p Packet) frame6(l4 []byte, hops byte, offset int, more bool) []byte {
	headers := slices.Clone(p.Headers)
	if p.Fragment != 0 {
		headers = append(headers, 44)
	}
	ip := make([]byte, 40)
	binary.BigEndian.PutUint16(ip, 0x6000|uint16(p.TOS)<<4)
	binary.BigEndian.PutUint16(ip[4:], uint16(8*len(headers)+len(l4)))
	ip[7] = hops
	copy(ip[8:], p.Src.Addr().AsSlice())
	copy(ip[24:], p.Dst.Addr().AsSlice())
	next := &ip[6]
	var all []byte
	for _, h := range headers {
		*next = h
		ext := make([]byte, 8)
		if h == 44 {
			binary.BigEndian.PutUint16(ext[2:], uint16(offset))
			if more {
				ext[3] |= 1
			}
			binary.BigEndian.PutUint32(ext[4:], uint32(p.ID))
		}
		all = append(all, ext...)
		next = &all[len(all)-8]
	}
	*next = p.Proto
	return slices.Concat(p.ether(0x86dd), ip, all, l4)
}

func (p Packet) transport() []byte {
	var h []byte
	if p.Proto == TCP {
		h = make([]byte, 20)
		h[12], h[13] = 5<<4, p.Flags
		binary.BigEndian.PutUint32(h[4:], p.Seq)
		binary.BigEndian.PutUint32(h[8:], p.Ack)
		binary.BigEndian.PutUint16(h[14:], p.window())
	} else {
		h = make([]byte, 8)
		binary.BigEndian.PutUint16(h[4:], uint16(8+len(p.Payload)))
	}
	binary.BigEndian.PutUint16(h, p.Src.Port())
	binary.BigEndian.PutUint16(h[2:], p.Dst.Port())
	b := append(h, p.Payload...)
	if p.NoSum {
		return b
	}
	at := sumAt(p.Proto)
	n := ^sum(pseudo(p.Src.Addr(), p.Dst.Addr(), p.Proto, len(b)), b)
	if p.Proto == UDP && n == 0 {
		n = 0xffff
	}
	binary.BigEndian.PutUint16(b[at:], n)
	return b
}

// window is 65535, and 0 of a RST, to whom it does not matter.
func (p Packet) window() uint16 {
	if p.Flags&RST != 0 {
		return 0
	}
	return 65535
}

func sumAt(proto uint8) int {
	if proto == TCP {
		return 16
	}
	return 6
}

// pseudo is the sum of the pseudo-header (RFC 9293 §3.1, RFC 8200 §8.1).
func pseudo(src, dst netip.Addr, proto uint8, n int) uint32 {
	return uint32(sum(0, slices.Concat(src.AsSlice(), dst.AsSlice()))) + uint32(proto) + uint32(n)
}

func sum(n uint32, b []byte) uint16 {
	for i := 0; i+1 < len(b); i += 2 {
		n += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	if len(b)%2 == 1 {
		n += uint32(b[len(b)-1]) << 8
	}
	for n>>16 != 0 {
		n = n&0xffff + n>>16
	}
	return uint16(n)
}

// CheckSums looks at all checksums of a frame with a whole packet of TCP, UDP or
// ICMP, also in another one.
func CheckSums(frame []byte) error {
	switch binary.BigEndian.Uint16(frame[12:]) {
	case 0x0800:
		return check4(frame[14:])
	case 0x86dd:
		return check6(frame[14:])
	}
	return nil
}

func checkHeader4(ip []byte) error {
	if n := int(ip[0]&15) * 4; sum(0, ip[:n]) != 0xffff {
		return fmt.Errorf("the checksum of the IP header is wrong: % x", ip[:n])
	}
	return nil
}

func check4(ip []byte) error {
	if err := checkHeader4(ip); err != nil {
		return err
	}
	n := int(ip[0]&15) * 4
	if binary.BigEndian.Uint16(ip[6:])&0x3fff != 0 {
		return nil // a fragment
	}
	src, _ := netip.AddrFromSlice(ip[12:16])
	dst, _ := netip.AddrFromSlice(ip[16:20])
	return checkInside(ip[9], src, dst, ip[n:binary.BigEndian.Uint16(ip[2:])])
}

func check6(ip []byte) error {
	src, _ := netip.AddrFromSlice(ip[8:24])
	dst, _ := netip.AddrFromSlice(ip[24:40])
	proto, at := ip[6], 40
	for proto == 0 || proto == 43 || proto == 60 {
		proto, at = ip[at], at+8*(int(ip[at+1])+1)
	}
	return checkInside(proto, src, dst, ip[at:40+int(binary.BigEndian.Uint16(ip[4:]))])
}

func checkInside(proto uint8, src, dst netip.Addr, b []byte) error {
	switch proto {
	case ICMP4, ICMP6:
		return checkICMP(proto, src, dst, b)
	case 4:
		return check4(b)
	case 41:
		return check6(b)
	case UDP:
		if binary.BigEndian.Uint16(b[2:]) == 6080 { // GUE
			if b[8]>>4 == 4 {
				return check4(b[8:])
			}
			return check6(b[8:])
		}
		if b[6] == 0 && b[7] == 0 && src.Is4() {
			return nil
		}
		fallthrough
	case TCP:
		if got := sum(pseudo(src, dst, proto, len(b)), b); got != 0xffff {
			return fmt.Errorf("the checksum of protocol %d is off by %#x", proto, ^got)
		}
	}
	return nil
}
