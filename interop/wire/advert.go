package wire

import (
	"encoding/binary"
	"net"
	"net/netip"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// Advert is one VRRP advert as it was on the wire.
type Advert struct {
	At        time.Time
	SrcMAC    string
	Src, Dst  netip.Addr
	TTL       uint8
	TOS       uint8
	Version   int
	ID        uint8
	Priority  uint8
	Interval  time.Duration
	Addresses []netip.Addr
	AuthType  uint8  // version 2
	Auth      string // version 2: its 8 bytes
	Form      Form   // of the checksum
}

// Form is what a checksum covers.
type Form string

// The forms. Version 3 over IPv4 has two in the field: RFC 5798 §5.2.8 was
// read with the pseudo-header, RFC 9568 §5.2.8 says without.
const (
	BadChecksum  Form = "bad"
	MessageOnly  Form = "message only"
	PseudoHeader Form = "pseudo-header"
)

// Adverts decodes the adverts among frames.
func Adverts(frames []Frame) []Advert {
	var out []Advert
	for _, f := range frames {
		if a, ok := decode(f); ok {
			out = append(out, a)
		}
	}
	return out
}

func decode(f Frame) (Advert, bool) {
	p := gopacket.NewPacket(f.Data, layers.LayerTypeEthernet, gopacket.DecodeOptions{Lazy: true, NoCopy: true})
	eth, ok := p.LinkLayer().(*layers.Ethernet)
	if !ok {
		return Advert{}, false
	}
	a := Advert{At: f.At, SrcMAC: net.HardwareAddr(eth.SrcMAC).String()}
	var message []byte
	switch ip := p.NetworkLayer().(type) {
	case *layers.IPv4:
		if ip.Protocol != 112 {
			return Advert{}, false
		}
		a.Src, a.Dst, a.TTL, a.TOS = addr(ip.SrcIP), addr(ip.DstIP), ip.TTL, ip.TOS
		message = ip.Payload
	case *layers.IPv6:
		if ip.NextHeader != 112 {
			return Advert{}, false
		}
		a.Src, a.Dst, a.TTL, a.TOS = addr(ip.SrcIP), addr(ip.DstIP), ip.HopLimit, ip.TrafficClass
		message = ip.Payload
	default:
		return Advert{}, false
	}
	return a, a.decode(message)
}

// decode reads the message: RFC 9568 §5.2 and RFC 3768 §5.3.
func (a *Advert) decode(m []byte) bool {
	if len(m) < 8 {
		return false
	}
	a.Version, a.ID, a.Priority = int(m[0]>>4), m[1], m[2]
	size := 4
	if a.Src.Is6() {
		size = 16
	}
	end := 8 + int(m[3])*size
	if len(m) < end {
		return false
	}
	for at := 8; at < end; at += size {
		one, _ := netip.AddrFromSlice(m[at : at+size])
		a.Addresses = append(a.Addresses, one)
	}
	if a.Version == 2 {
		a.AuthType, a.Interval = m[4], time.Duration(m[5])*time.Second
		if len(m) < end+8 {
			return false
		}
		a.Auth = string(m[end : end+8])
		end += 8
	} else {
		a.Interval = time.Duration(binary.BigEndian.Uint16(m[4:])&0x0fff) * 10 * time.Millisecond
	}
	a.Form = form(a.Src, a.Dst, m[:end])
	return true
}

// form tells what the message's checksum covers.
func form(src, dst netip.Addr, message []byte) Form {
	switch {
	case src.Is4() && sum(0, message) == 0xffff:
		return MessageOnly
	case sum(pseudo(src, dst, len(message)), message) == 0xffff:
		return PseudoHeader
	}
	return BadChecksum
}

// pseudo is the sum of the pseudo-header: RFC 8200 §8.1 for IPv6, RFC 793 in
// the same manner for IPv4.
func pseudo(src, dst netip.Addr, length int) uint32 {
	var s uint32
	for _, a := range []netip.Addr{src, dst} {
		b := a.AsSlice()
		for i := 0; i < len(b); i += 2 {
			s += uint32(b[i])<<8 | uint32(b[i+1])
		}
	}
	return s + 112 + uint32(length)
}

// sum is the one's complement sum of RFC 1071.
func sum(s uint32, b []byte) uint16 {
	for ; len(b) >= 2; b = b[2:] {
		s += uint32(b[0])<<8 | uint32(b[1])
	}
	if len(b) == 1 {
		s += uint32(b[0]) << 8
	}
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return uint16(s)
}

func addr(ip net.IP) netip.Addr {
	a, _ := netip.AddrFromSlice(ip)
	return a.Unmap()
}
