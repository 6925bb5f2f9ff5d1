package vrrp

import (
	"bytes"
	"math/rand"
	"testing"
	"time"
)

// The example of RFC 1071 §3: the sum is ddf2, the checksum its complement.
func TestChecksum_RFC1071(t *testing.T) {
	b := []byte{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7}
	if got := Checksum(b); got != ^uint16(0xddf2) {
		t.Errorf("checksum %04x, want %04x", got, ^uint16(0xddf2))
	}
}

// An odd byte counts as if a zero followed.
func TestChecksum_OddLength(t *testing.T) {
	rnd := rand.New(rand.NewSource(1))
	for n := range 100 {
		b := make([]byte, n)
		rnd.Read(b)
		var want uint32
		for i, x := range b {
			want += uint32(x) << (8 * (1 - i%2))
		}
		for want > 0xffff {
			want = want>>16 + want&0xffff
		}
		if got := Checksum(b); got != ^uint16(want) {
			t.Errorf("%d bytes: %04x, want %04x", n, got, ^uint16(want))
		}
	}
}

// Of IPv4 version 3 both forms are accepted and counted apart.
//
//conformance:9568-5.2.8-checksum positive
//conformance:9568-7.1-checksum positive
func TestChecksum_BothFormsOfIPv4(t *testing.T) {
	n := backup(t, ipv4())
	a := n.advert(200)
	for i, mode := range []ChecksumMode{ChecksumRFC5798, ChecksumRFC9568, ChecksumRFC9568} {
		n.Step(n.now, Received(&Packet{Src: higher, Dst: Group4, TTL: 255, Payload: a.Append(nil, higher, Group4, mode)}), nil)
		if p, _ := n.Active(); p.Form != mode.String() {
			t.Errorf("advert %d: the active uses %q, want %q", i, p.Form, mode)
		}
	}
	if c := n.Counters(); c.ChecksumRFC5798 != 1 || c.ChecksumRFC9568 != 2 || c.Received != 3 {
		t.Errorf("counted %d with pseudo-header and %d without", c.ChecksumRFC5798, c.ChecksumRFC9568)
	}
}

// IPv6 has one form, with the pseudo-header; version 2 has one, without.
//
//conformance:9568-5.2.8-checksum negative
//conformance:3768-7.1-checksum negative
func TestChecksum_NoOtherForms(t *testing.T) {
	n := backup(t, ipv6())
	a := n.advert(200)
	p := n.packet(lower6, a)
	putChecksum(p.Payload, 0)
	putChecksum(p.Payload, Checksum(p.Payload))
	n.do(Received(p), "report: packet dropped: bad checksum (fe80::9 priority 200)")

	n = backup(t, version2())
	p = n.packet(higher, n.advert(200))
	putChecksum(p.Payload, 0)
	putChecksum(p.Payload, PseudoChecksum(p.Src, p.Dst, p.Payload))
	n.do(Received(p), "report: packet dropped: bad checksum (192.0.2.20 priority 200)")
}

// A bad checksum is never accepted: not with any one bit turned, nor with the
// addresses of another packet.
//
//conformance:9568-7.1-checksum negative
//conformance:3768-7.1-checksum negative
//conformance:unh-4.4 negative
func TestChecksum_FindsEveryTurnedBit(t *testing.T) {
	for _, cfg := range []Config{ipv4(), ipv6(), version2()} {
		peer := higher
		if cfg.Family == IPv6 {
			peer = lower6
		}
		for _, mode := range []ChecksumMode{ChecksumRFC5798, ChecksumRFC9568} {
			n := place(t, cfg)
			a := n.advert(200)
			good := a.Append(nil, peer, cfg.Family.Group(), mode)
			for bit := range len(good) * 8 {
				b := bytes.Clone(good)
				b[bit/8] ^= 1 << (bit % 8)
				n.Step(n.now, Received(&Packet{Src: peer, Dst: cfg.Family.Group(), TTL: 255, Payload: b}), nil)
			}
			if got := n.Counters().Received; got != 0 {
				t.Errorf("version %d %s %s: accepted %d damaged packets", cfg.Version, cfg.Family, mode, got)
			}
		}
	}
	n := place(t, ipv4())
	p := n.packet(higher, n.advert(200))
	p.Src = lower
	n.do(Received(p), "report: packet dropped: bad checksum (192.0.2.9 priority 200)")
}

// In auto the form sent follows the Active that is heard.
func TestChecksum_AutoFollowsTheActive(t *testing.T) {
	const told = "report: peer uses the other checksum form (192.0.2.20 priority 200)"
	n := backup(t, ipv4())
	a := n.advert(200)
	hear := func(prio uint8, mode ChecksumMode, want ...string) {
		t.Helper()
		a.Priority = prio
		n.do(Received(&Packet{Src: higher, Dst: Group4, TTL: 255, Payload: a.Append(nil, higher, Group4, mode)}), want...)
	}
	sends := func(want ChecksumMode) {
		t.Helper()
		mine := n.advert(100)
		if got := n.AppendAdvert(nil, n.now, Group4, 100); !bytes.Equal(got, mine.Append(nil, self, Group4, want)) {
			t.Errorf("sent\n%x, want the form of %s", got, want)
		}
	}
	sends(ChecksumRFC5798)
	hear(0, ChecksumRFC9568, "report: peer uses the other checksum form (192.0.2.20 priority 0)")
	sends(ChecksumRFC5798) // one that leaves is no Active
	n.now = n.now.Add(time.Hour)
	hear(200, ChecksumRFC9568, told)
	sends(ChecksumRFC9568)
	hear(200, ChecksumRFC9568)
	n.now = n.now.Add(time.Hour)
	hear(200, ChecksumRFC5798, told)
	sends(ChecksumRFC5798)
}

// A fixed form stays, and a peer with the other one is named.
func TestChecksum_FixedForms(t *testing.T) {
	for mode, other := range map[ChecksumMode]ChecksumMode{
		ChecksumRFC5798: ChecksumRFC9568, ChecksumRFC9568: ChecksumRFC5798,
	} {
		n := backup(t, ipv4(func(c *Config) { c.Checksum = mode }))
		a := n.advert(200)
		n.do(Received(&Packet{Src: higher, Dst: Group4, TTL: 255, Payload: a.Append(nil, higher, Group4, other)}),
			"report: peer uses the other checksum form (192.0.2.20 priority 200)")
		mine := n.advert(100)
		if got := n.AppendAdvert(nil, n.now, Group4, 100); !bytes.Equal(got, mine.Append(nil, self, Group4, mode)) {
			t.Errorf("%s: sent %x", mode, got)
		}
	}
}

// A unicast advert's pseudo-header has the true destination.
func TestChecksum_UnicastDestination(t *testing.T) {
	for _, cfg := range []Config{ipv4(), ipv6()} {
		dst, src := higher, self
		if cfg.Family == IPv6 {
			dst, src = lower6, self6
		}
		n := place(t, cfg)
		b := n.AppendAdvert(nil, n.now, dst, 100)
		if PseudoChecksum(src, dst, b) != 0 {
			t.Errorf("%s: the checksum does not fit a packet to %s", cfg.Family, dst)
		}
		if cfg.Family == IPv6 && PseudoChecksum(src, Group6, b) == 0 {
			t.Error("the checksum fits a packet to the group")
		}
	}
}
