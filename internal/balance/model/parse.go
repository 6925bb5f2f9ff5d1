package model

import (
	"encoding/binary"
	"net/netip"
)

const (
	protoTCP  = 6
	protoUDP  = 17
	protoFrag = 44

	flagFIN = 1
	flagSYN = 2
	flagRST = 4
	flagACK = 16
)

type fragment int

const (
	whole fragment = iota
	first
	later
)

// etherSize is where the IP header begins.
const etherSize = 14

type packet struct {
	key
	frame    []byte
	l3, l4   int
	bytes    int // from the IP header on
	id       uint32
	fragment fragment
	hops     byte
	tos      byte
	flags    byte // of TCP
	dont     bool // fragment
}

func (p *packet) is4() bool { return p.src.Addr().Is4() }
func (p *packet) isSYN() bool {
	return p.proto == protoTCP && p.flags&(flagSYN|flagACK|flagRST) == flagSYN && p.fragment != later
}

// datagram is what fragments have in common.
type datagram struct {
	src, dst netip.Addr
	id       uint32
	proto    uint8
}

func (p *packet) datagram() datagram { return datagram{p.src.Addr(), p.dst.Addr(), p.id, p.proto} }

func be16(b []byte) uint16 { return binary.BigEndian.Uint16(b) }

// parse gives a packet of TCP or UDP for this machine, or an ICMP error.
func (b *Balancer) parse(frame []byte) (*packet, bool) {
	if len(frame) < etherSize || [6]byte(frame) != b.config.MAC {
		return nil, false
	}
	p := &packet{frame: frame}
	var ok bool
	switch be16(frame[12:]) {
	case 0x0800:
		ok = p.parse4(etherSize)
	case 0x86dd:
		ok = p.parse6(etherSize)
	}
	if !ok || p.isError() {
		return p, ok
	}
	if p.proto != protoTCP && p.proto != protoUDP {
		return nil, false
	}
	return p, b.ports(p)
}

func (p *packet) addresses(src, dst []byte) {
	s, _ := netip.AddrFromSlice(src)
	d, _ := netip.AddrFromSlice(dst)
	p.src, p.dst = netip.AddrPortFrom(s, 0), netip.AddrPortFrom(d, 0)
}

func (p *packet) parse4(at int) bool {
	ip := p.frame[at:]
	if len(ip) < 20 || ip[0]>>4 != 4 || ip[0]&15 < 5 {
		return false
	}
	p.addresses(ip[12:16], ip[16:20])
	switch off := be16(ip[6:]); {
	case off&0x1fff != 0:
		p.fragment = later
	case off&0x2000 != 0:
		p.fragment = first
	}
	p.dont = be16(ip[6:])&0x4000 != 0
	p.id = uint32(be16(ip[4:]))
	p.tos, p.hops, p.proto, p.bytes = ip[1], ip[8], ip[9], int(be16(ip[2:]))
	p.l3, p.l4 = at, at+int(ip[0]&15)*4
	return true
}

func (p *packet) parse6(at int) bool {
	ip := p.frame[at:]
	if len(ip) < 40 || ip[0]>>4 != 6 {
		return false
	}
	p.addresses(ip[8:24], ip[24:40])
	p.tos, p.dont = ip[0]<<4|ip[1]>>4, true
	p.hops, p.proto, p.bytes = ip[7], ip[6], int(be16(ip[4:]))+40
	p.l3, p.l4 = at, at+40
	for range 6 {
		switch p.proto {
		case 0, 43, 44, 51, 60:
		default:
			return true
		}
		if len(p.frame) < p.l4+8 {
			return false
		}
		h := p.frame[p.l4:]
		switch p.proto {
		case protoFrag:
			switch off := be16(h[2:]); {
			case off&0xfff8 != 0:
				p.fragment = later
			case off&1 != 0:
				p.fragment = first
			default:
				p.fragment = whole
			}
			p.id = binary.BigEndian.Uint32(h[4:])
			p.l4 += 8
		case 51:
			p.l4 += (int(h[1]) + 2) * 4
		default:
			p.l4 += (int(h[1]) + 1) * 8
		}
		p.proto = h[0]
		if p.fragment == later {
			return true
		}
	}
	return false
}

// ports reads them, for a later fragment from what was remembered.
func (b *Balancer) ports(p *packet) bool {
	if p.fragment == later {
		known, ok := b.datagrams[p.datagram()]
		p.setPorts(known[0], known[1])
		return ok
	}
	need := 8
	if p.proto == protoTCP {
		need = 20
	}
	if len(p.frame) < p.l4+need {
		return false
	}
	h := p.frame[p.l4:]
	p.setPorts(be16(h), be16(h[2:]))
	if p.proto == protoTCP {
		p.flags = h[13]
	}
	return true
}

func (p *packet) setPorts(src, dst uint16) {
	p.src = netip.AddrPortFrom(p.src.Addr(), src)
	p.dst = netip.AddrPortFrom(p.dst.Addr(), dst)
}

// remember is for later fragments of a datagram that is ours.
func (b *Balancer) remember(p *packet) {
	if p.fragment == first {
		b.datagrams[p.datagram()] = [2]uint16{p.src.Port(), p.dst.Port()}
	}
}
