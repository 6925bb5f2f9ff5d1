package vrrp

import (
	"net/netip"
	"testing"
	"time"
)

// count steps the router and counts the reports.
func (n *node) reports(p *Packet) int {
	reports := 0
	for _, a := range n.Step(n.now, Received(p), nil) {
		if a.Kind == ActionReport {
			reports++
		}
	}
	return reports
}

// What fails a check is told, once, and then at most once a minute for each
// peer and cause.
//
//conformance:9568-7.1-log positive
//conformance:9568-7.1-log negative
//conformance:9568-7.1-signal positive
//conformance:3768-7.1-log positive
//conformance:3768-7.1-log negative
func TestReport_OnceAMinutePerPeerAndCause(t *testing.T) {
	for _, cfg := range []Config{ipv4(), version2()} {
		n := backup(t, cfg)
		short := n.packet(higher, n.advert(200))
		short.TTL = 1
		broken := n.packet(higher, n.advert(200))
		broken.Payload[6]++
		other := n.packet(lower, n.advert(200))
		other.TTL = 1

		for i, c := range []struct {
			after time.Duration
			p     *Packet
			want  int
		}{
			{0, short, 1},
			{time.Second, short, 0},
			{0, broken, 1},
			{0, other, 1},
			{58 * time.Second, short, 0},
			{time.Second, short, 1},
			{0, short, 0},
			{time.Minute, short, 1},
		} {
			n.now = n.now.Add(c.after)
			if got := n.reports(c.p); got != c.want {
				t.Errorf("packet %d: %d reports, want %d", i, got, c.want)
			}
		}
		if got := n.Counters().Dropped[DropTTL]; got != 7 {
			t.Errorf("counted %d drops, want all 7", got)
		}
	}
}

// What is meant for another virtual router is not ours to complain of.
func TestReport_OtherVirtualRoutersAreNoNews(t *testing.T) {
	n := backup(t, ipv4())
	a := n.advert(200)
	a.VRID = 52
	n.hearAdvert(higher, a)
	a.Version = 2
	n.hearAdvert(higher, a)
	p := n.packet(higher, a)
	p.TTL = 1
	n.do(Received(p))
	a.VRID = 51
	n.hearAdvert(higher, a, "report: peer speaks the other version: wrong version (192.0.2.20 priority 200)")
	n.do(Received(&Packet{Src: lower, Dst: Group4, TTL: 255}), "report: packet dropped: truncated (192.0.2.9 priority 0)")
}

// A flood of forged sources costs neither memory nor attention without end,
// and the real peer is still heard.
func TestReport_FloodOfForgedSources(t *testing.T) {
	n := backup(t, ipv4())
	n.hear(higher, 200)
	bad := n.packet(higher, n.advert(200))
	bad.TTL = 1
	good := n.advert(50)
	reports := 0
	for i := range 100_000 {
		n.now = n.now.Add(time.Millisecond) // 100 seconds in all
		src := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		bad.Src = src
		reports += n.reports(bad)
		if i%10 == 0 {
			reports += n.reports(n.packet(src, good))
		}
		if i%1000 == 0 {
			n.Step(n.now, Received(n.packet(higher, n.advert(200))), nil)
		}
	}
	if reports > 32+50+1 {
		t.Errorf("%d reports in 100 seconds", reports)
	}
	if got := len(n.Router.reports.seen); got > 64 {
		t.Errorf("remembers %d reports", got)
	}
	if got := len(n.Peers(nil)); got > 64 {
		t.Errorf("remembers %d peers", got)
	}
	n.in(Backup)
	if p, _ := n.Active(); p.Addr != higher && p.Priority != 50 {
		t.Errorf("active is %v", p)
	}
}

// The budget of reports fills up again.
func TestReport_BudgetRefills(t *testing.T) {
	var p reporter
	now := begin
	allowed := func(count int) (n int) {
		for range count {
			now = now.Add(1)
			if p.allow(now, reportKey{notice: NoticeDrop, peer: netip.AddrFrom4([4]byte{10, 0, byte(now.UnixNano() >> 8), byte(now.UnixNano())})}) {
				n++
			}
		}
		return n
	}
	if got := allowed(100); got != 32 {
		t.Errorf("%d reports at once, want 32", got)
	}
	now = now.Add(10 * time.Second)
	if got := allowed(100); got != 5 {
		t.Errorf("%d reports after ten seconds, want 5", got)
	}
	now = now.Add(time.Hour)
	if got := allowed(100); got != 32 {
		t.Errorf("%d reports after an hour, want 32", got)
	}
}

// Every sender is remembered, in the order in which they came; of too many,
// the one silent for longest is forgotten.
func TestPeers(t *testing.T) {
	n := backup(t, ipv4())
	host := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}) }
	for i := range 64 {
		n.wait(time.Millisecond)
		n.Step(n.now, Received(n.packet(host(i), n.advert(200))), nil)
	}
	n.wait(time.Millisecond)
	n.Step(n.now, Received(n.packet(host(0), n.advert(201))), nil)
	n.Step(n.now, Received(n.packet(host(64), n.advert(200))), nil)
	peers := n.Peers(nil)
	if len(peers) != 64 || peers[0].Addr != host(0) || peers[1].Addr != host(2) || peers[63].Addr != host(64) {
		t.Errorf("%d peers: first %v %v, last %v", len(peers), peers[0], peers[1], peers[len(peers)-1])
	}
	want := Peer{Addr: host(0), Priority: 201, Interval: time.Second, LastHeard: n.now, Form: "rfc5798"}
	if peers[0] != want {
		t.Errorf("peer %+v, want %+v", peers[0], want)
	}
	if got := n.Peers(peers[:1]); len(got) != 65 {
		t.Errorf("appended to %d peers", len(got))
	}
}

// Counters of RFC 8347.
func TestCounters(t *testing.T) {
	n := active(t, ipv4())
	n.wait(2*time.Second, "send priority 100", "send priority 100")
	n.hear(higher, 0, "send priority 100")
	n.do(Yield(), "send priority 0", "active -> backup: gave the addresses up on request")
	n.hear(higher, 200)
	n.hear(higher, 0)
	n.wait(time.Second, "backup -> active: the active node left (192.0.2.20 priority 0)", "send priority 100")
	want := Counters{
		Sent: 1 + 2 + 1 + 1 + 1, PriorityZeroSent: 1, Received: 3, PriorityZeroReceived: 2,
		BecameActive: 2, ChecksumRFC5798: 3,
	}
	if got := n.Counters(); got != want {
		t.Errorf("counters %+v, want %+v", got, want)
	}
}
