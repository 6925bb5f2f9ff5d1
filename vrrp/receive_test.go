package vrrp

import (
	"bytes"
	"net/netip"
	"testing"
	"time"
)

// damage is one thing wrong with an otherwise good packet.
type damage struct {
	drop Drop
	do   func(p *Packet)
	fix  func(p *Packet) // keeps the rest of the packet right; nil: new checksum
}

// sum writes the checksum that a sender of the packet would write.
func sum(p *Packet) {
	putChecksum(p.Payload, 0)
	msg := p.Payload
	if msg[0]>>4 == 2 {
		putChecksum(p.Payload, Checksum(msg))
	} else {
		putChecksum(p.Payload, PseudoChecksum(p.Src, p.Dst, msg))
	}
}

// checks3 and checks2 list the checks of RFC 9568 §7.1 and RFC 3768 §7.1 in
// their order.
func checks3(f Family) []damage {
	checks := []damage{
		{drop: DropTTL, do: func(p *Packet) { p.TTL = 254 }},
		{drop: DropVersion, do: func(p *Packet) { p.Payload[0] = 0x41 }},
		{drop: DropType, do: func(p *Packet) { p.Payload[0] = p.Payload[0]&0xf0 | 2 }},
		{drop: DropTruncated, do: func(p *Packet) { p.Payload[3] += 100 }},
		{drop: DropChecksum, do: func(p *Packet) { p.Payload[6] ^= 0x40 }, fix: func(*Packet) {}},
		{drop: DropVRID, do: func(p *Packet) { p.Payload[1] = 52 }},
		{drop: DropZeroCount, do: func(p *Packet) { p.Payload = p.Payload[:8]; p.Payload[3] = 0 }},
	}
	if f == IPv6 {
		checks = append(checks, damage{drop: DropNotLinkLocal, do: func(p *Packet) { p.Payload[8] = 0x20 }})
	}
	return append(checks, damage{drop: DropZeroInterval, do: func(p *Packet) { p.Payload[4], p.Payload[5] = 0, 0 }})
}

func checks2() []damage {
	return []damage{
		{drop: DropTTL, do: func(p *Packet) { p.TTL = 1 }},
		{drop: DropVersion, do: func(p *Packet) { p.Payload[0] = 0x31 }},
		{drop: DropType, do: func(p *Packet) { p.Payload[0] = 0x20 }},
		{drop: DropTruncated, do: func(p *Packet) { p.Payload = p.Payload[:len(p.Payload)-1] }},
		{drop: DropChecksum, do: func(p *Packet) { p.Payload[len(p.Payload)-1]++ }, fix: func(*Packet) {}},
		{drop: DropVRID, do: func(p *Packet) { p.Payload[1] = 50 }},
		{drop: DropZeroCount, do: func(p *Packet) {
			p.Payload = append(p.Payload[:8], make([]byte, 8)...)
			p.Payload[3] = 0
		}},
		{drop: DropZeroInterval, do: func(p *Packet) { p.Payload[5] = 0 }},
		{drop: DropAuthType, do: func(p *Packet) { p.Payload[4] = 1 }},
		{drop: DropAuthType, do: func(p *Packet) { p.Payload[4] = 2 }},
		{drop: DropInterval, do: func(p *Packet) { p.Payload[5] = 2 }},
	}
}

// Each check alone: the packet is dropped, counted under its own name, and
// nothing else happens.
//
//conformance:9568-5.1.1.3-receive negative
//conformance:9568-5.1.2.3-receive negative
//conformance:9568-7.1-version negative
//conformance:9568-5.2.2-type negative
//conformance:9568-7.1-length negative
//conformance:9568-7.1-checksum negative
//conformance:9568-7.1-vrid negative
//conformance:9568-5.2.5-count negative
//conformance:9568-7.1-count negative
//conformance:9568-7.1-linklocal negative
//conformance:9568-7.1-interval negative
//conformance:9568-7.1-discard negative
//conformance:3768-5.2.3-receive negative
//conformance:3768-7.1-version negative
//conformance:3768-5.3.2-type negative
//conformance:3768-7.1-length negative
//conformance:3768-7.1-checksum negative
//conformance:3768-7.1-vrid negative
//conformance:3768-5.3.6-authtype negative
//conformance:3768-7.1-authtype negative
//conformance:3768-7.1-discard negative
//conformance:unh-4.1 negative
//conformance:unh-4.2 negative
//conformance:unh-4.3 negative
//conformance:unh-4.4 negative
//conformance:unh-4.5 negative
//conformance:unh-4.6 negative
//conformance:unh-4.8 negative
func TestReceive_DropsWhatFailsACheck(t *testing.T) {
	for _, c := range []struct {
		cfg    Config
		peer   netip.Addr
		checks []damage
	}{
		{ipv4(), higher, checks3(IPv4)},
		{ipv6(), lower6, checks3(IPv6)},
		{version2(), higher, checks2()},
	} {
		for _, d := range c.checks {
			n := backup(t, c.cfg)
			n.wait(time.Second)
			p := n.packet(c.peer, n.advert(200))
			d.do(p)
			if d.fix == nil {
				sum(p)
			} else {
				d.fix(p)
			}
			n.Step(n.now, Received(p), nil)
			want := Counters{}
			want.Dropped[d.drop] = 1
			if got := n.Counters(); got != want {
				t.Errorf("version %d %s: %s: counters %+v", c.cfg.Version, c.cfg.Family, d.drop, got)
			}
			n.due(down100 - time.Second) // not restarted
			if peers := n.Peers(nil); len(peers) != 0 {
				t.Errorf("%s: remembered %v", d.drop, peers)
			}
		}
	}
}

// The packet without any of it is accepted.
//
//conformance:9568-5.1.1.3-receive positive
//conformance:9568-5.1.2.3-receive positive
//conformance:9568-7.1-version positive
//conformance:9568-5.2.2-type positive
//conformance:9568-7.1-length positive
//conformance:9568-7.1-checksum positive
//conformance:9568-7.1-vrid positive
//conformance:9568-5.2.5-count positive
//conformance:9568-7.1-count positive
//conformance:9568-7.1-linklocal positive
//conformance:9568-7.1-interval positive
//conformance:9568-7.1-discard positive
//conformance:3768-5.2.3-receive positive
//conformance:3768-7.1-version positive
//conformance:3768-5.3.2-type positive
//conformance:3768-7.1-length positive
//conformance:3768-7.1-checksum positive
//conformance:3768-7.1-vrid positive
//conformance:3768-5.3.6-authtype positive
//conformance:3768-7.1-authtype positive
//conformance:3768-7.1-discard positive
//conformance:unh-4.1 positive
//conformance:unh-4.2 positive
//conformance:unh-4.4 positive
//conformance:unh-4.5 positive
//conformance:unh-4.6 positive
//conformance:unh-4.8 positive
func TestReceive_AcceptsWhatPassesThemAll(t *testing.T) {
	for _, c := range []struct {
		cfg  Config
		peer netip.Addr
	}{{ipv4(), higher}, {ipv6(), lower6}, {version2(), higher}} {
		n := backup(t, c.cfg)
		n.wait(time.Second)
		n.hear(c.peer, 200)
		n.due(down100)
		if got := n.Counters(); got.Received != 1 || got.Dropped != [NumDrops]uint64{} {
			t.Errorf("version %d %s: counters %+v", c.cfg.Version, c.cfg.Family, got)
		}
	}
}

// An interface pads short frames, and some leave old memory in the padding.
// The checksum covers the message alone.
func TestReceive_ToleratesPadding(t *testing.T) {
	for _, cfg := range []Config{ipv4(), version2(), ipv6()} {
		for _, padding := range [][]byte{make([]byte, 1), make([]byte, 14), bytes.Repeat([]byte{0xa5}, 26), make([]byte, 1400)} {
			peer := higher
			if cfg.Family == IPv6 {
				peer = lower6
			}
			n := backup(t, cfg)
			n.wait(time.Second)
			p := n.packet(peer, n.advert(200))
			p.Payload = append(p.Payload, padding...)
			n.do(Received(p))
			n.due(down100)
		}
	}
}

// An address family travels in its own IP version.
//
//conformance:9568-5.2.9-family positive
//conformance:9568-5.2.9-family negative
func TestReceive_DropsTheOtherFamily(t *testing.T) {
	n := backup(t, ipv4())
	a := n.advert(200)
	p := &Packet{Src: lower6, Dst: Group6, TTL: 255, Payload: a.Append(nil, self, Group4, ChecksumRFC9568)}
	n.do(Received(p), "report: packet dropped: other address family (fe80::9 priority 200)")
	n.hear(higher, 200)
	if got := n.Counters(); got.Dropped[DropFamily] != 1 || got.Received != 1 {
		t.Errorf("counters %+v", got)
	}
}

// The same address, written as IPv4-mapped or with a zone, is the same peer.
func TestReceive_KnowsAddressesInAnyForm(t *testing.T) {
	n := backup(t, ipv4())
	p := n.packet(higher, n.advert(200))
	p.Src = netip.AddrFrom16(higher.As16())
	p.Dst = netip.AddrFrom16(Group4.As16())
	n.do(Received(p))

	n = backup(t, ipv6(func(c *Config) { c.Peers = list("fe80::9%eth0") }))
	p = n.packet(lower6, n.advert(200))
	p.Src = lower6.WithZone("eth1")
	n.do(Received(p))
	if p, ok := n.Active(); !ok || p.Addr != lower6 {
		t.Errorf("active is %v, %v", p, ok)
	}
}

// Our own adverts come back where multicast loops. An advert with our address
// and a higher priority than ours was not sent by us.
func TestReceive_OwnAddress(t *testing.T) {
	n := active(t, ipv4())
	n.hear(self, 100)
	n.hear(self, 0)
	n.in(Active)
	n.hear(self, 200, "report: somebody else uses this node's address: own source address (192.0.2.10 priority 200)")
	n.in(Active)
	if got := n.Counters().Dropped[DropOwnPacket]; got != 3 {
		t.Errorf("counted %d own packets, want 3", got)
	}
}

// With unicast peers, nobody else is heard.
func TestReceive_UnicastPeers(t *testing.T) {
	cfg := ipv4(func(c *Config) { c.Peers = []netip.Addr{higher} })
	n := backup(t, cfg)
	n.wait(time.Second)
	n.hear(lower, 200, "report: packet dropped: unknown peer (192.0.2.9 priority 200)")
	n.due(down100 - time.Second)
	p := n.packet(higher, n.advert(200))
	a := n.advert(200)
	p.Dst, p.Payload = self, a.Append(nil, higher, self, ChecksumAuto)
	n.do(Received(p))
	n.due(down100)
}

// A hop count lets unicast adverts come through that many routers less one.
func TestReceive_Hops(t *testing.T) {
	n := backup(t, ipv4(func(c *Config) { c.Hops = 250; c.Peers = []netip.Addr{higher} }))
	for _, c := range []struct {
		ttl  uint8
		want uint64
	}{{249, 0}, {250, 1}, {254, 2}, {255, 3}} {
		p := n.packet(higher, n.advert(200))
		p.TTL = c.ttl
		n.Step(n.now, Received(p), nil)
		if got := n.Counters().Received; got != c.want {
			t.Errorf("ttl %d: received %d, want %d", c.ttl, got, c.want)
		}
	}
}

// CARP shares the protocol number with VRRP and is told apart.
func TestReceive_CARP(t *testing.T) {
	carp := make([]byte, 36)
	copy(carp, []byte{0x21, 51, 0, 7, 0, 1})
	for _, cfg := range []Config{ipv4(), version2()} {
		n := backup(t, cfg)
		n.do(Received(&Packet{Src: higher, Dst: Group4, TTL: 255, Payload: carp}),
			"report: packet dropped: carp, not vrrp (192.0.2.20 priority 0)")
		if got := n.Counters().Dropped[DropCARP]; got != 1 {
			t.Errorf("version %d: counted %d", cfg.Version, got)
		}
	}
}
