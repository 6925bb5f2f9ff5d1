package packets

import (
	"encoding/binary"
	"net/netip"
)

// Wrapped is a packet in another one, in an Ethernet frame.
type Wrapped struct {
	From, To [6]byte
	Src, Dst netip.Addr
	TOS      uint8
	// GUE is the port that it is sent from in UDP; 0 is IP in IP.
	GUE    uint16
	Inside []byte // from its IP header on
}

// Frame gives the bytes.
func (w Wrapped) Frame() []byte {
	p := Packet{From: w.From, To: w.To, TOS: w.TOS, Proto: 41}
	p.Src, p.Dst = netip.AddrPortFrom(w.Src, 0), netip.AddrPortFrom(w.Dst, 0)
	if w.Inside[0]>>4 == 4 {
		p.Proto = 4
	}
	b := w.Inside
	if w.GUE != 0 {
		p.Proto = UDP
		udp := binary.BigEndian.AppendUint16(nil, w.GUE)
		udp = binary.BigEndian.AppendUint16(udp, 6080)
		udp = binary.BigEndian.AppendUint16(udp, uint16(8+len(b)))
		b = append(append(udp, 0, 0), b...)
	}
	return p.around(b)
}
