package lab

import (
	"encoding/binary"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// ICMPv6 types and the one option of them that is used here, RFC 4861 §4.3,
// §4.4 and §4.6.1.
const (
	neighborSolicitation  = 135
	neighborAdvertisement = 136
	sourceLinkLayer       = 1
	targetLinkLayer       = 2
)

const (
	ethernetSize = 14
	arpSize      = 28
	ipv6Size     = 40
	ndSize       = 24 // ICMPv6 header, reserved, target
)

// Question is the frame that asks all who has an address.
func Question(mac net.HardwareAddr, source, target netip.Addr) []byte {
	if target.Is4() {
		return arpRequest(mac, source, target)
	}
	return solicitation(mac, source, target)
}

// arpRequest is an Ethernet frame with an ARP request, RFC 826.
func arpRequest(mac net.HardwareAddr, source, target netip.Addr) []byte {
	b := append([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, mac...)
	b = binary.BigEndian.AppendUint16(b, unix.ETH_P_ARP)
	b = append(b, 0, 1, 0x08, 0, 6, 4, 0, 1) // Ethernet, IPv4, sizes, request
	b = append(b, mac...)
	b = append(b, source.AsSlice()...)
	b = append(b, 0, 0, 0, 0, 0, 0)
	return append(b, target.AsSlice()...)
}

// solicitation is an Ethernet frame with a neighbour solicitation to the
// solicited-node address of the target, RFC 4861 §4.3 and RFC 4291 §2.7.1.
func solicitation(mac net.HardwareAddr, source, target netip.Addr) []byte {
	t := target.As16()
	group := netip.MustParseAddr("ff02::1:ff00:0").As16()
	copy(group[13:], t[13:])

	message := make([]byte, 8, ndSize+8)
	message[0] = neighborSolicitation
	message = append(message, t[:]...)
	message = append(message, sourceLinkLayer, 1)
	message = append(message, mac...)

	b := append([]byte{0x33, 0x33}, group[12:]...)
	b = append(b, mac...)
	b = binary.BigEndian.AppendUint16(b, unix.ETH_P_IPV6)
	b = append(b, 0x60, 0, 0, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(len(message)))
	b = append(b, unix.IPPROTO_ICMPV6, 255)
	b = append(b, source.AsSlice()...)
	b = append(b, group[:]...)
	binary.BigEndian.PutUint16(message[2:], checksum6(b[ethernetSize+8:], message))
	return append(b, message...)
}

// checksum6 is the ICMPv6 checksum over the pseudo-header (RFC 8200 §8.1) of
// both addresses and the message.
func checksum6(addresses, message []byte) uint16 {
	sum := uint32(len(message)) + unix.IPPROTO_ICMPV6
	for _, part := range [][]byte{addresses, message} {
		for i := 0; i+1 < len(part); i += 2 {
			sum += uint32(binary.BigEndian.Uint16(part[i:]))
		}
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// answerFor is the MAC that a frame gives for an address, nil when it is
// about something else.
func answerFor(addr netip.Addr, frame []byte) net.HardwareAddr {
	if addr.Is4() {
		if len(frame) < ethernetSize+arpSize {
			return nil
		}
		arp := frame[ethernetSize:]
		if binary.BigEndian.Uint16(arp[6:]) != 2 || netip.AddrFrom4([4]byte(arp[14:])) != addr {
			return nil
		}
		return net.HardwareAddr(append([]byte(nil), arp[8:14]...))
	}
	if len(frame) < ethernetSize+ipv6Size+ndSize {
		return nil
	}
	message := frame[ethernetSize+ipv6Size:]
	if netip.AddrFrom16([16]byte(message[8:])) != addr {
		return nil
	}
	for options := message[ndSize:]; len(options) >= 8; {
		if options[0] == targetLinkLayer {
			return net.HardwareAddr(append([]byte(nil), options[2:8]...))
		}
		size := int(options[1]) * 8
		if size == 0 || size > len(options) {
			break
		}
		options = options[size:]
	}
	// An advertisement may leave the option out: the frame's source has it.
	return net.HardwareAddr(append([]byte(nil), frame[6:12]...))
}
