package announce

import "net/netip"

// AppendARPAsk appends an ARP request of source that asks where addr is: the
// ordinary one (RFC 826), to all, or to the one that answered last where to is
// not zero, which spares the others (RFC 1122 §2.3.2.1, unicast poll).
func AppendARPAsk(b []byte, mac, to MAC, source, addr netip.Addr) []byte {
	at := len(b)
	b = appendARP(b, opRequest, mac, source.As4(), addr, MAC{})
	if to != (MAC{}) {
		copy(b[at:], to[:])
	}
	return b
}

const optSourceLinkMAC = 1 // RFC 4861 §4.6.1

// AppendNSAsk does the same for IPv6: a neighbour solicitation to the
// solicited-node group of addr, or to addr itself (RFC 4861 §7.3.3).
func AppendNSAsk(b []byte, mac, to MAC, source, addr netip.Addr) []byte {
	target, src := addr.As16(), source.As16()
	dst := target
	if to == (MAC{}) {
		dst = solicitedNode(target)
		to = MAC{0x33, 0x33, 0xff, target[13], target[14], target[15]}
	}
	b = appendEthernet(b, to, mac, typeIPv6)
	b = append(b, 0x60, 0, 0, 0, 0, nsLength+8, icmpv6, 255)
	b = append(b, src[:]...)
	b = append(b, dst[:]...)
	at := len(b)
	b = append(b, typeNS, 0, 0, 0, 0, 0, 0, 0)
	b = append(b, target[:]...)
	b = append(b, optSourceLinkMAC, 1) // length in units of 8 bytes
	b = append(b, mac[:]...)
	sum := checksum6(src, dst, icmpv6, b[at:])
	b[at+2], b[at+3] = byte(sum>>8), byte(sum)
	return b
}

// solicitedNode is the group of whoever has an address, RFC 4291 §2.7.1.
func solicitedNode(a [16]byte) [16]byte {
	return [16]byte{0xff, 0x02, 11: 1, 12: 0xff, 13: a[13], 14: a[14], 15: a[15]}
}
