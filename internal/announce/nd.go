package announce

import "net/netip"

// Role is what the announcing node is to its neighbours. A host that claims
// to be a router gets used as one, and a router that stops claiming it is
// taken off its neighbours' lists of default routers (RFC 4861 §7.2.5).
type Role uint8

const (
	Host Role = iota
	Router
)

const (
	icmpv6           = 58
	typeNA           = 136  // RFC 4861 §4.4
	flagRouter       = 0x80 // R
	flagOverride     = 0x20 // O: replace what you have cached
	optTargetLinkMAC = 2    // RFC 4861 §4.6.1
	naLength         = 32
)

var (
	allNodes    = netip.MustParseAddr("ff02::1")
	allNodesMAC = MAC{0x33, 0x33, 0, 0, 0, 1}
)

// AppendNA appends an unsolicited neighbour advertisement for addr to all
// nodes: S clear, O set, R by role, with the target link-layer address
// option, from the address itself (RFC 4861 §7.2.6, RFC 9568 §8.2.2).
func AppendNA(b []byte, mac MAC, addr netip.Addr, role Role) []byte {
	src, dst := addr.As16(), allNodes.As16()
	b = appendEthernet(b, allNodesMAC, mac, typeIPv6)
	b = append(b,
		0x60, 0, 0, 0, // version, traffic class, flow label
		0, naLength, icmpv6,
		255) // hop limit: RFC 4861 §7.1.2 drops anything less
	b = append(b, src[:]...)
	b = append(b, dst[:]...)

	flags := byte(flagOverride)
	if role == Router {
		flags |= flagRouter
	}
	at := len(b)
	b = append(b, typeNA, 0, 0, 0, flags, 0, 0, 0)
	b = append(b, src[:]...)
	b = append(b, optTargetLinkMAC, 1) // length in units of 8 bytes
	b = append(b, mac[:]...)

	sum := checksum6(src, dst, icmpv6, b[at:])
	b[at+2], b[at+3] = byte(sum>>8), byte(sum)
	return b
}

// checksum6 is the Internet checksum over the IPv6 pseudo-header (RFC 8200
// §8.1) and a payload of an even length.
func checksum6(src, dst [16]byte, next byte, payload []byte) uint16 {
	sum := uint32(len(payload)) + uint32(next)
	for i := 0; i < 16; i += 2 {
		sum += uint32(src[i])<<8 | uint32(src[i+1])
		sum += uint32(dst[i])<<8 | uint32(dst[i+1])
	}
	for i := 0; i < len(payload); i += 2 {
		sum += uint32(payload[i])<<8 | uint32(payload[i+1])
	}
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}
