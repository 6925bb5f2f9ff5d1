package model

import (
	"encoding/binary"
	"slices"
	"strings"

	"github.com/holdfast-net/holdfast/internal/balance"
)

// refuse tells the sender of a packet that there is nobody to speak with.
func (b *Balancer) refuse(p *packet, why string) Result {
	if !p.resettable() {
		return drop(why)
	}
	return b.toHop(p.resetToSender(), p.src.Addr()).because(why)
}

// because adds why there is an answer to why it could not be sent.
func (r Result) because(why string) Result {
	all := []string{why}
	if r.Why != "" {
		all = append(all, r.Why)
	}
	slices.Sort(all)
	r.Why = strings.Join(all, ", ")
	return r
}

// stranger says whether the sender of a packet in the middle of no flow is told
// that nobody knows it.
func (b *Balancer) stranger(s *service, p *packet) bool {
	at := balance.Endpoint{AddrPort: p.dst, Proto: balance.Proto(p.proto)}
	return b.settled[at] && !s.foretold() && p.resettable() && p.flags&flagSYN == 0
}

// split tells both ends of a connection that it is over. How the other one is
// reached is onward.
func (b *Balancer) split(p *packet, onward func(*packet) Result) Result {
	const why = "ended"
	if !p.resettable() {
		return drop(why)
	}
	answer := b.toHop(p.resetToSender(), p.src.Addr())
	if answer.Verdict != Send {
		return answer.because(why)
	}
	r := onward(p.resetToOther())
	r.Answer = answer.Frame
	return r.because(why)
}

// resettable says whether a packet is answered by a RST: no RST is.
func (p *packet) resettable() bool {
	return p.proto == protoTCP && p.fragment == whole && p.flags&flagRST == 0
}

// resetToSender is the answer (RFC 9293 §3.10.7.1).
func (p *packet) resetToSender() []byte {
	h := p.frame[p.l4:]
	seq, ack := h[4:8], h[8:12]
	if p.flags&flagACK != 0 {
		return p.reset(p.turned(), flagRST, binary.BigEndian.Uint32(ack), 0)
	}
	n := p.bytes - (p.l4 - p.l3) - int(h[12]>>4)*4
	for _, f := range []byte{flagSYN, flagFIN} {
		if p.flags&f != 0 {
			n++
		}
	}
	return p.reset(p.turned(), flagRST|flagACK, 0, binary.BigEndian.Uint32(seq)+uint32(n))
}

// resetToOther is as if the sender had reset the connection.
func (p *packet) resetToOther() *packet {
	h := p.frame[p.l4:]
	q := *p
	q.frame = p.reset(p.tuple, flagRST|p.flags&flagACK, binary.BigEndian.Uint32(h[4:]), binary.BigEndian.Uint32(h[8:]))
	q.bytes = len(q.frame) - etherSize
	q.l4 = len(q.frame) - 20
	q.hops, q.tos, q.flags, q.dont = 64, 0, flagRST, true
	return &q
}

func (p *packet) reset(t tuple, flags byte, seq, ack uint32) []byte {
	tcp := binary.BigEndian.AppendUint16(nil, t.src.Port())
	tcp = binary.BigEndian.AppendUint16(tcp, t.dst.Port())
	tcp = binary.BigEndian.AppendUint32(tcp, seq)
	tcp = binary.BigEndian.AppendUint32(tcp, ack)
	tcp = append(tcp, 5<<4, flags, 0, 0, 0, 0, 0, 0)
	pseudo := slices.Concat(t.src.Addr().AsSlice(), t.dst.Addr().AsSlice(), []byte{0, protoTCP, 0, byte(len(tcp))})
	binary.BigEndian.PutUint16(tcp[16:], ^summed(pseudo, tcp))
	return slices.Concat(p.frame[:etherSize], header(t, protoTCP, len(tcp), 0, 0x4000), tcp)
}

// header is a new IP header.
func header(t tuple, proto byte, n int, tos byte, fragment uint16) []byte {
	src, dst := t.src.Addr(), t.dst.Addr()
	var h []byte
	if src.Is4() {
		h = []byte{0x45, tos, 0, 0, 0, 0, byte(fragment >> 8), byte(fragment), 64, proto, 0, 0}
		binary.BigEndian.PutUint16(h[2:], uint16(20+n))
		h = append(append(h, src.AsSlice()...), dst.AsSlice()...)
		binary.BigEndian.PutUint16(h[10:], ^summed(h))
		return h
	}
	h = []byte{0x60 | tos>>4, tos << 4, 0, 0, 0, 0, proto, 64}
	binary.BigEndian.PutUint16(h[4:], uint16(n))
	return append(append(h, src.AsSlice()...), dst.AsSlice()...)
}

// summed is the sum of the Internet (RFC 1071), of pieces of even length but for
// the last one.
func summed(pieces ...[]byte) uint16 {
	n := uint32(0)
	for _, b := range pieces {
		for ; len(b) > 1; b = b[2:] {
			n += uint32(be16(b))
		}
		if len(b) == 1 {
			n += uint32(b[0]) << 8
		}
	}
	return folded(n)
}
