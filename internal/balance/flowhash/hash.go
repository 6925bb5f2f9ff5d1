package flowhash

import (
	"encoding/binary"
	"net/netip"
)

// The lengths of what is hashed, where SipHash wants them: in the last byte of
// the last word.
const (
	flowLength   = 37 << 56
	sourceLength = 16 << 56
	nameLength   = 19 << 56
)

// Flow gives the hash of a flow as its first packet shows it: from the client
// to the address of the service, with the protocol's number in IP headers.
func Flow(seed [16]byte, src, dst netip.AddrPort, proto uint8) uint64 {
	s := newSip(seed)
	from, to := src.Addr().As16(), dst.Addr().As16()
	s.add(binary.LittleEndian.Uint64(from[:8]))
	s.add(binary.LittleEndian.Uint64(from[8:]))
	s.add(binary.LittleEndian.Uint64(to[:8]))
	s.add(binary.LittleEndian.Uint64(to[8:]))
	var last [8]byte
	binary.BigEndian.PutUint16(last[0:], src.Port())
	binary.BigEndian.PutUint16(last[2:], dst.Port())
	last[4] = proto
	s.add(binary.LittleEndian.Uint64(last[:]) | flowLength)
	return s.sum()
}

// Source gives the hash of the leading bits of a client's address: bits[0] of
// an IPv4 address, bits[1] of an IPv6 address, where 0 is all of them.
func Source(seed [16]byte, src netip.Addr, bits [2]uint8) uint64 {
	s := newSip(seed)
	from := Prefix(src, bits).Addr().As16()
	s.add(binary.LittleEndian.Uint64(from[:8]))
	s.add(binary.LittleEndian.Uint64(from[8:]))
	s.add(sourceLength)
	return s.sum()
}

// Prefix gives the part of a client's address that [Source] looks at: clients
// with the same one are the same to a service. More bits than the address has
// are all of them.
func Prefix(src netip.Addr, bits [2]uint8) netip.Prefix {
	src = src.Unmap().WithZone("")
	n := int(bits[0])
	if src.Is6() {
		n = int(bits[1])
	}
	if n == 0 || n > src.BitLen() {
		n = src.BitLen()
	}
	return netip.PrefixFrom(src, n).Masked()
}

// Slot gives the place of a hash in a table of that many slots.
func Slot(hash uint64, slots uint32) uint32 {
	return uint32((hash >> 32) * uint64(slots) >> 32)
}

// Name gives the hash of a backend's name in tables: its address and port, and
// a number that tells several hashes of the same name apart. It is 19 bytes
// long, so it is never that of a flow or a source.
func Name(seed [16]byte, addr netip.AddrPort, turn uint8) uint64 {
	s := newSip(seed)
	a := addr.Addr().As16()
	s.add(binary.LittleEndian.Uint64(a[:8]))
	s.add(binary.LittleEndian.Uint64(a[8:]))
	var last [8]byte
	binary.BigEndian.PutUint16(last[0:], addr.Port())
	last[2] = turn
	s.add(binary.LittleEndian.Uint64(last[:]) | nameLength)
	return s.sum()
}
