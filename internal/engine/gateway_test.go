package engine

import (
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/group"
	"github.com/holdfast-net/holdfast/internal/vote"
)

func behindGateway(g *config.Group) {
	g.Guard = config.Guard{Kind: config.GuardGateway, Gateway: netip.MustParseAddr("192.0.2.254")}
}

func (l *testLAN) setSilent(silent bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.silent = silent
}

// gatewayPair is two nodes with a gateway; lb1 holds.
func gatewayPair(t *testing.T) (lan *testLAN, a, b *testNode) {
	lan, a, b = pair(t)
	lan.gateway = netip.MustParseAddr("192.0.2.254")
	a.start(t, webConfig(150, behindGateway))
	b.start(t, webConfig(100, behindGateway))
	time.Sleep(10 * time.Second)
	if !a.answers(vip) || b.answers(vip) {
		t.Fatalf("answers: lb1 %v, lb2 %v; want only lb1", a.answers(vip), b.answers(vip))
	}
	return lan, a, b
}

// Who has lost the LAN lets go within the term, before the other one holds.
func TestEngine_GatewayIsolates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b := gatewayPair(t)
		a.setCut(true)
		gone, came := watchBoth(t, a, b, 10*time.Second, func() bool { return !a.answers(vip) })
		if !came || gone > vote.TermOf(time.Second) {
			t.Errorf("lb1 let go after %s: %v", gone, came)
		}
		taken, came := watchBoth(t, a, b, 10*time.Second, func() bool { return b.answers(vip) })
		if !came {
			t.Error("lb2 does not take over")
		}
		t.Logf("lb1 let go after %s, lb2 followed after %s more", gone, taken)
		if _, came := watchBoth(t, a, b, 10*time.Second, func() bool { return a.answers(vip) }); came {
			t.Error("lb1 holds without the gateway")
		}
		a.setCut(false)
		watchBoth(t, a, b, 20*time.Second, never)
		if !a.answers(vip) {
			t.Error("lb1 does not take it back")
		}
		a.stop(t)
		b.stop(t)
	})
}

// Without the gateway nobody holds, and with it somebody does again.
func TestEngine_GatewayDies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lan, a, b := gatewayPair(t)
		lan.setSilent(true)
		if gone, came := watchBoth(t, a, b, 10*time.Second, func() bool { return !a.answers(vip) }); !came || gone > vote.TermOf(time.Second) {
			t.Errorf("lb1 let go after %s: %v", gone, came)
		}
		if _, came := watchBoth(t, a, b, 20*time.Second, func() bool { return a.answers(vip) || b.answers(vip) }); came {
			t.Error("somebody holds")
		}
		lan.setSilent(false)
		took, came := watchBoth(t, a, b, 20*time.Second, func() bool { return a.answers(vip) || b.answers(vip) })
		if !came {
			t.Error("nobody holds again")
		}
		t.Logf("after %s", took)
		a.stop(t)
		b.stop(t)
	})
}

// A second without an answer does no harm; one is asked each third of the term.
func TestEngine_GatewayIsAskedInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lan, a, b := gatewayPair(t)
		lan.mu.Lock()
		before := lan.asked
		lan.mu.Unlock()
		watchBoth(t, a, b, 30*time.Second, never)
		lan.mu.Lock()
		if n := lan.asked - before; n < 58 || n > 62 {
			t.Errorf("two nodes ask %d times in 30s", n)
		}
		lan.mu.Unlock()
		for range 5 {
			lan.setSilent(true)
			if _, came := watchBoth(t, a, b, 1500*time.Millisecond, func() bool { return !a.answers(vip) }); came {
				t.Fatal("lb1 let go too soon")
			}
			lan.setSilent(false)
			if _, came := watchBoth(t, a, b, 5*time.Second, func() bool { return !a.answers(vip) }); came {
				t.Fatal("lb1 let go though it is answered")
			}
		}
		wantStory(t, b, "web init->backup")
		a.stop(t)
		b.stop(t)
		if len(a.hears) != 0 {
			t.Errorf("lb1 goes on hearing %v", a.hears)
		}
	})
}

// What another one says, or what is said to another one, counts for nothing.
func TestEngine_GatewayAnswersToOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lan, a, b := gatewayPair(t)
		lan.setSilent(true)
		forge := func() bool {
			for _, d := range []Datagram{
				{Port: 1, Src: netip.MustParseAddr("192.0.2.253"), Dst: a.addr4},
				{Port: 1, Src: lan.gateway, Dst: b.addr4},
				{Port: 2, Src: lan.gateway, Dst: a.addr4},
			} {
				d.Kind, d.Data = Answer, gatewayMAC[:]
				a.mu.Lock()
				a.inbox = append(a.inbox, d)
				a.mu.Unlock()
				a.Wake()
			}
			return !a.answers(vip)
		}
		if _, came := watchBoth(t, a, b, 10*time.Second, forge); !came {
			t.Error("lb1 holds by what was not for it")
		}
		a.stop(t)
		b.stop(t)
	})
}

// A reload may change how long answers count, and the guard.
func TestEngine_GatewayReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lan, a, b := gatewayPair(t)
		quick := func(g *config.Group) { g.VRRP.Interval = 200 * time.Millisecond }
		for _, n := range []*testNode{b, a} {
			cfg := webConfig(map[*testNode]uint8{a: 150, b: 100}[n], behindGateway, quick)
			cfg.Node = n.name
			if err := n.engine.Apply(t.Context(), cfg); err != nil {
				t.Fatal(err)
			}
		}
		if _, came := watchBoth(t, a, b, 10*time.Second, func() bool { return !a.answers(vip) }); came {
			t.Error("lb1 let go because of a shorter interval")
		}
		lan.setSilent(true)
		if gone, came := watchBoth(t, a, b, 10*time.Second, func() bool { return !a.answers(vip) }); !came || gone > 600*time.Millisecond {
			t.Errorf("lb1 let go after %s: %v", gone, came)
		}
		for _, n := range []*testNode{b, a} {
			cfg := webConfig(map[*testNode]uint8{a: 150, b: 100}[n], quick)
			cfg.Node = n.name
			if err := n.engine.Apply(t.Context(), cfg); err != nil {
				t.Fatal(err)
			}
		}
		if _, came := watchBoth(t, a, b, 10*time.Second, func() bool { return a.answers(vip) }); !came {
			t.Error("nobody holds without a guard")
		}
		a.stop(t)
		b.stop(t)
		for _, r := range a.records {
			if strings.Contains(r.Reason, "is not asked") {
				t.Errorf("%+v", r)
			}
		}
	})
}

// One question asks for all groups of an interface, and neither it nor the
// answer makes garbage.
func TestEngine_AGatewayAllocatesNothing(t *testing.T) {
	cfg := manyGroups(50, 150, 10*time.Millisecond)
	for i := range cfg.Groups {
		behindGateway(&cfg.Groups[i])
	}
	h := newByHand(t, cfg)
	if len(h.gateways) != 1 {
		t.Fatalf("%d gateways", len(h.gateways))
	}
	g, answers := h.gateways[0], 0
	answer := Datagram{Port: 1, Kind: Answer, Src: g.addr, Dst: netip.MustParseAddr("192.0.2.1"), Data: gatewayMAC[:]}
	turn := func() {
		h.round(time.Millisecond)
		n := 0
		if g.guard.Silent() {
			h.in[0] = answer
			n = 1
			answers++
		}
		h.turn(n, h.now)
	}
	for range 5000 {
		turn()
	}
	for _, u := range h.units {
		if u.set.State() != group.Active {
			t.Fatalf("%s is %s", u, u.set.State())
		}
	}
	answers = 0
	if got := testing.AllocsPerRun(500, turn); got > 0 {
		t.Errorf("a round allocates %.1f times", got)
	}
	if answers < 10 || answers > 20 { // terms of 100 ms
		t.Errorf("%d answers in 501 ms", answers)
	}
}
