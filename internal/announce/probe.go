package announce

import "net/netip"

// AppendARPProbe appends an ARP request that asks whether somebody has addr,
// and changes nobody's cache: its sender has no address (RFC 5227 §2.1.1).
func AppendARPProbe(b []byte, mac MAC, addr netip.Addr) []byte {
	return appendARP(b, opRequest, mac, [4]byte{}, addr, MAC{})
}

const (
	typeNS   = 135 // RFC 4861 §4.3
	nsLength = 24
)

// AppendNSProbe does the same for IPv6: a neighbour solicitation from the
// unspecified address to the solicited-node group of addr, as duplicate
// address detection sends it (RFC 4862 §5.4.2). Who has addr answers to all.
func AppendNSProbe(b []byte, mac MAC, addr netip.Addr) []byte {
	target := addr.As16()
	var src [16]byte
	dst := solicitedNode(target)
	b = appendEthernet(b, MAC{0x33, 0x33, 0xff, target[13], target[14], target[15]}, mac, typeIPv6)
	b = append(b, 0x60, 0, 0, 0, 0, nsLength, icmpv6, 255)
	b = append(b, src[:]...)
	b = append(b, dst[:]...)
	at := len(b)
	b = append(b, typeNS, 0, 0, 0, 0, 0, 0, 0)
	b = append(b, target[:]...)
	sum := checksum6(src, dst, icmpv6, b[at:])
	b[at+2], b[at+3] = byte(sum>>8), byte(sum)
	return b
}
