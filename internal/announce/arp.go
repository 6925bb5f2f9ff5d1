package announce

import "net/netip"

// ARP operations, RFC 826.
const (
	opRequest = 1
	opReply   = 2
)

// AppendARPRequest appends a broadcast ARP request for addr, sent by addr: the
// "ARP announcement" of RFC 5227 §2.3. The target hardware address is not
// defined in a request; it is zero here, as RFC 5227 says it should be.
// RFC 9568 §8.1.2 wants the virtual MAC as the sender; errata 7947 and 7949
// say that the address announced is the virtual IPv4 address.
func AppendARPRequest(b []byte, mac MAC, addr netip.Addr) []byte {
	return appendARP(b, opRequest, mac, addr.As4(), addr, MAC{})
}

// AppendARPReply appends the same announcement as a broadcast ARP reply
// (RFC 5227 §3 describes the stacks that listen to this form). The target
// hardware address is the sender's, as RFC 5944 §4.6 says: Linux takes a reply
// without that for one that nobody asked for, and ignores it within a second of
// the last news about the address.
func AppendARPReply(b []byte, mac MAC, addr netip.Addr) []byte {
	return appendARP(b, opReply, mac, addr.As4(), addr, mac)
}

func appendARP(b []byte, op byte, mac MAC, sender [4]byte, addr netip.Addr, target MAC) []byte {
	ip := addr.As4()
	b = appendEthernet(b, broadcast, mac, typeARP)
	b = append(b,
		0, 1, // hardware: Ethernet
		8, 0, // protocol: IPv4
		6, 4, // address lengths
		0, op)
	b = append(b, mac[:]...)
	b = append(b, sender[:]...)
	b = append(b, target[:]...)
	return append(b, ip[:]...)
}
