package vrrp

import (
	"encoding/binary"
	"net/netip"
)

// The checksum is the Internet checksum. What it covers depends:
//
//   - version 2: the message (RFC 3768 §5.3.8);
//   - version 3 over IPv6: a pseudo-header and the message (RFC 9568 §5.2.8);
//   - version 3 over IPv4: the message says RFC 9568 §5.2.8; a pseudo-header
//     and the message said RFC 5798 §5.2.8, and most software still does so.

// Checksum is the checksum over msg alone. Its checksum field must be zero; if
// it holds the right checksum, the result is 0.
func Checksum(msg []byte) uint16 { return fold(add(0, msg)) }

// PseudoChecksum is the checksum over the pseudo-header of src, dst and
// protocol 112 (RFC 2460 §8.1, and its like for IPv4) and msg.
func PseudoChecksum(src, dst netip.Addr, msg []byte) uint16 {
	return fold(add(pseudo(src, dst, len(msg)), msg))
}

func pseudo(src, dst netip.Addr, length int) uint64 {
	acc := uint64(length) + Protocol
	for _, a := range [2]netip.Addr{src, dst} {
		if a.Is4() {
			b := a.As4()
			acc = add(acc, b[:])
		} else {
			b := a.As16()
			acc = add(acc, b[:])
		}
	}
	return acc
}

// add sums b as big-endian words. The accumulator is wide enough for any IP
// payload, so carries are folded once, at the end.
func add(acc uint64, b []byte) uint64 {
	for len(b) >= 4 {
		acc += uint64(binary.BigEndian.Uint32(b))
		b = b[4:]
	}
	if len(b) >= 2 {
		acc += uint64(binary.BigEndian.Uint16(b))
		b = b[2:]
	}
	if len(b) == 1 {
		acc += uint64(b[0]) << 8
	}
	return acc
}

func fold(acc uint64) uint16 {
	for acc > 0xffff {
		acc = acc>>16 + acc&0xffff
	}
	return ^uint16(acc)
}

// form is which checksum of IPv4 version 3 a sender uses.
type form uint8

const (
	formOnly    form = iota // there is one form only
	formRFC5798             // with pseudo-header
	formRFC9568             // message only
)

func (f form) String() string { return [...]string{"", "rfc5798", "rfc9568"}[f] }

// sum computes the checksum to send.
func (f form) sum(src, dst netip.Addr, msg []byte) uint16 {
	if f == formRFC5798 {
		return PseudoChecksum(src, dst, msg)
	}
	return Checksum(msg)
}
