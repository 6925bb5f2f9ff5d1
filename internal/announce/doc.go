// Package announce builds the frames that tell a LAN where an address is:
// gratuitous ARP (RFC 826, RFC 5227 §3) and unsolicited neighbour
// advertisements (RFC 4861 §7.2.6). It is pure: bytes in, bytes out.
//
// IPv4 is announced in both forms, request and reply: stacks and switches
// exist that update their tables on only one of them.
package announce

// MAC is an Ethernet address.
type MAC = [6]byte

const (
	typeARP  = 0x0806
	typeIPv6 = 0x86dd
)

var broadcast = MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// appendEthernet appends an Ethernet II header.
func appendEthernet(b []byte, dst, src MAC, etherType uint16) []byte {
	b = append(b, dst[:]...)
	b = append(b, src[:]...)
	return append(b, byte(etherType>>8), byte(etherType))
}
