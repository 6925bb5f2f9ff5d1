package engine

import (
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-net/holdfast/internal/peer"
	"github.com/holdfast-net/holdfast/vrrp"
)

// calls counts what a node has said to the others, by kind.
func (l *testLAN) calls(from string, kind peer.Kind) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for i, o := range l.sent {
		if k, err := peer.KindOf(o.Data); err == nil && o.Kind == Message && k == kind && l.from[i] == from {
			n++
		}
	}
	return n
}

// lastReason is why a node made its last transition.
func (n *testNode) lastReason() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i := len(n.records) - 1; i >= 0; i-- {
		if n.records[i].Kind == "transition" {
			return n.records[i].Reason
		}
	}
	return ""
}

// A holdfast node asks for what it would preempt, and gets it: never do two
// answer, and the address is served all the time.
func TestPreempt_ByRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lan, a, b := pair(t)
		b.start(t, webConfig(100))
		time.Sleep(6 * time.Second)
		a.start(t, webConfig(150))
		for range 8000 {
			time.Sleep(500 * time.Microsecond)
			if a.answers(vip) && b.answers(vip) {
				t.Fatal("both answer")
			}
			if !a.serves(vip) && !b.serves(vip) {
				t.Fatal("nobody serves what arrives")
			}
		}
		if !a.answers(vip) {
			t.Fatal("lb1 did not get the address")
		}
		if n := lan.calls("lb1", peer.KindAsk); n != 1 {
			t.Errorf("lb1 asked %d times", n)
		}
		if got, want := b.lastReason(), "lb1 has a higher priority and asked to take over"; got != want {
			t.Errorf("lb2 let go since %q, want %q", got, want)
		}
		a.stop(t)
		b.stop(t)
	})
}

// Another vendor's router does not understand a request. It is preempted as
// RFC 9568 has it: it lets go when it hears the better advert.
func TestPreempt_OfAnotherVendorsRouter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lan := &testLAN{}
		a := lan.node(t, "lb1", "192.0.2.1", "fe80::1")
		other, err := vrrp.New(vrrp.Config{
			VRID: 51, Family: vrrp.IPv4, Priority: 50, Interval: time.Second,
			Source: netip.MustParseAddr("192.0.2.9"), Addresses: []netip.Addr{netip.MustParseAddr(vip)},
		})
		if err != nil {
			t.Fatal(err)
		}
		a.start(t, webConfig(150))
		for range 5 {
			time.Sleep(time.Second)
			if !a.answers(vip) {
				a.deliver(Outgoing{Kind: Advert, Src: netip.MustParseAddr("192.0.2.9"), Dst: vrrp.Group4, Data: other.AppendAdvert(nil, time.Now(), vrrp.Group4, 50)})
			}
		}
		if !a.answers(vip) {
			t.Fatal("lb1 did not preempt it")
		}
		if got := a.lastReason(); !strings.HasPrefix(got, "preempted 192.0.2.9") {
			t.Errorf("lb1 took over since %q", got)
		}
		a.stop(t)
	})
}
