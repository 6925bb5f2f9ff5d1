package observe

import (
	"encoding/binary"
	"net/netip"

	"github.com/holdfast-net/holdfast/interop/chaos/measure"
)

const (
	typeARP  = 0x0806
	typeIPv4 = 0x0800
	typeIPv6 = 0x86dd

	protoUDP    = 17
	protoICMPv6 = 58
	protoVRRP   = 112

	solicitation  = 135 // RFC 4861 §4.3
	advertisement = 136 // RFC 4861 §4.4
)

// meaning is what a frame says about the address.
type meaning struct {
	kind  measure.Kind
	asker netip.Addr // of Asked: who asks; of Answered: who is answered
}

// read takes a frame apart. What says nothing about the address is not ok.
// An answer's asker may be nobody's: then it answered somebody else, or all.
func read(vip netip.Addr, b []byte) (m meaning, ok bool) {
	if len(b) < 14+28 {
		return m, false
	}
	switch binary.BigEndian.Uint16(b[12:]) {
	case typeARP:
		return readARP(vip, b[14:])
	case typeIPv4:
		ip := b[14:]
		src := netip.AddrFrom4([4]byte(ip[12:]))
		return readPayload(vip, src, ip[9], ip[int(ip[0]&0xf)*4:])
	case typeIPv6:
		if len(b) < 14+40+24 {
			return m, false
		}
		ip := b[14:]
		src, dst := netip.AddrFrom16([16]byte(ip[8:])), netip.AddrFrom16([16]byte(ip[24:]))
		if ip[6] == protoICMPv6 {
			return readND(vip, src, dst, ip[40:])
		}
		return readPayload(vip, src, ip[6], ip[40:])
	}
	return m, false
}

// readARP reads RFC 826. A request with the address as its sender says whose
// the address is, whatever it asks for; one without a sender (RFC 5227 §2.1.1)
// only asks.
func readARP(vip netip.Addr, arp []byte) (meaning, bool) {
	sender, target := netip.AddrFrom4([4]byte(arp[14:])), netip.AddrFrom4([4]byte(arp[24:]))
	switch op := binary.BigEndian.Uint16(arp[6:]); {
	case op == 1 && sender == vip:
		return meaning{kind: measure.Claimed}, true
	case op == 1 && target == vip:
		return meaning{measure.Asked, sender}, true
	case op == 2 && sender == vip:
		return meaning{measure.Answered, target}, true
	}
	return meaning{}, false
}

// readND reads RFC 4861 §4.3 and §4.4.
func readND(vip, src, dst netip.Addr, message []byte) (meaning, bool) {
	if len(message) < 24 || netip.AddrFrom16([16]byte(message[8:])) != vip {
		return meaning{}, false
	}
	switch message[0] {
	case solicitation:
		return meaning{measure.Asked, src}, true
	case advertisement:
		return meaning{measure.Answered, dst}, true
	}
	return meaning{}, false
}

// readPayload reads an advert (RFC 9568 §5.2, RFC 3768 §5.3: the priority is
// at the same place), or traffic from the address.
func readPayload(vip, src netip.Addr, proto byte, payload []byte) (meaning, bool) {
	switch {
	case proto == protoVRRP && len(payload) >= 8 && payload[2] == 0:
		return meaning{kind: measure.Resigned}, true
	case proto == protoVRRP && len(payload) >= 8:
		return meaning{kind: measure.Advertised}, true
	case proto == protoUDP && src == vip:
		return meaning{kind: measure.Served}, true
	}
	return meaning{}, false
}
