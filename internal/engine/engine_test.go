package engine

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-net/holdfast/internal/check"
	"github.com/holdfast-net/holdfast/internal/config"
)

const vip = "192.0.2.10"

func pair(t *testing.T) (lan *testLAN, a, b *testNode) {
	t.Helper()
	lan = &testLAN{}
	a = lan.node(t, "lb1", "192.0.2.1", "fe80::1")
	b = lan.node(t, "lb2", "192.0.2.2", "fe80::2")
	return lan, a, b
}

func webConfig(priority uint8, edit ...func(*config.Group)) *config.Config {
	g := config.Group{
		Name: "web", Interface: "eth0",
		Addresses: []netip.Prefix{netip.MustParsePrefix(vip + "/24")},
		VRRP: config.VRRP{
			ID: 51, Priority: priority, Interval: time.Second, Version: 3, Preempt: true, Accept: true,
		},
	}
	for _, f := range edit {
		f(&g)
	}
	return &config.Config{Groups: []config.Group{g}}
}

func wantStory(t *testing.T, n *testNode, want ...string) {
	t.Helper()
	if d := cmp.Diff(want, n.story()); d != "" {
		t.Errorf("%s went through other states (-want +got):\n%s", n.name, d)
	}
}

func TestEngine_ElectsTheHigherPriority(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lan, a, b := pair(t)
		a.start(t, webConfig(150))
		b.start(t, webConfig(100))
		time.Sleep(6 * time.Second)
		wantStory(t, a, "web init->backup", "web backup->active")
		wantStory(t, b, "web init->backup")
		if !a.answers(vip) || b.answers(vip) {
			t.Errorf("answers: lb1 %v, lb2 %v; want only lb1", a.answers(vip), b.answers(vip))
		}
		if got := lan.arps("lb1", vip); got < 4 {
			t.Errorf("lb1 sent %d ARP announcements; want the burst in both forms", got)
		}
		a.stop(t)
		time.Sleep(time.Second)
		wantStory(t, b, "web init->backup", "web backup->active")
		b.stop(t)
	})
}

func TestEngine_HandoverNamesItsSuccessor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b := pair(t)
		a.start(t, webConfig(150))
		b.start(t, webConfig(100))
		time.Sleep(6 * time.Second)

		begun := time.Now()
		res, err := a.engine.Handover(t.Context(), "web", "lb2")
		if err != nil || !res.OK {
			t.Fatalf("handover: %+v, %v", res, err)
		}
		if took := time.Since(begun); took > 20*time.Millisecond {
			t.Errorf("handover took %s; a named successor does not wait its skew time", took)
		}
		time.Sleep(10 * time.Second)
		if a.answers(vip) || !b.answers(vip) {
			t.Error("lb1 took the address back: a handover has to suspend preemption")
		}
		wantStory(t, a, "web init->backup", "web backup->active", "web active->backup")

		// The other way round.
		if res, err := b.engine.Handover(t.Context(), "web", ""); err != nil || !res.OK {
			t.Fatalf("handover back: %+v, %v", res, err)
		}
		time.Sleep(time.Second)
		if !a.answers(vip) || b.answers(vip) {
			t.Error("lb1 does not hold the address after the handover back")
		}
		a.stop(t)
		b.stop(t)
	})
}

func TestEngine_HandoverThatNobodyTakesIsCalledOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lan := &testLAN{}
		a := lan.node(t, "lb1", "192.0.2.1", "fe80::1")
		a.start(t, webConfig(150))
		time.Sleep(6 * time.Second)
		res, err := a.engine.Handover(t.Context(), "web", "")
		if err != nil || res.OK {
			t.Fatalf("handover to nobody: %+v, %v; want a refusal", res, err)
		}
		time.Sleep(time.Second)
		if !a.answers(vip) {
			t.Error("the address is held by nobody after a handover that failed")
		}
		if res, err := a.engine.Handover(t.Context(), "web", "lb9"); err != nil || res.OK || !strings.Contains(res.Text, "lb9 is not heard") {
			t.Errorf("handover to a stranger: %+v, %v", res, err)
		}
		a.stop(t)
	})
}

func TestEngine_ServesUntilTheSuccessorIsHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b := pair(t)
		a.start(t, webConfig(150))
		b.start(t, webConfig(100))
		time.Sleep(6 * time.Second)
		go func() { _, _ = a.engine.Handover(t.Context(), "web", "") }()
		served := false
		for range 3000 { // every 100 µs of 300 ms: somebody serves it
			time.Sleep(100 * time.Microsecond)
			if !a.serves(vip) && !b.serves(vip) {
				t.Fatal("nobody serves the address")
			}
			if a.answers(vip) && b.answers(vip) {
				t.Fatal("both nodes answer for the address")
			}
			served = served || a.serves(vip) && !a.answers(vip)
		}
		if !served {
			t.Error("lb1 never served quietly")
		}
		a.stop(t)
		b.stop(t)
	})
}

func TestEngine_LinkLossIsAFaultAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b := pair(t)
		a.start(t, webConfig(150))
		b.start(t, webConfig(100))
		time.Sleep(6 * time.Second)
		a.setCut(true)
		a.link(false, "no carrier")
		time.Sleep(10 * time.Millisecond)
		wantStory(t, a, "web init->backup", "web backup->active", "web active->fault")
		time.Sleep(4 * time.Second)
		if !b.answers(vip) {
			t.Error("lb2 did not take over")
		}
		a.setCut(false)
		a.link(true, "")
		time.Sleep(5 * time.Second)
		if !a.answers(vip) || b.answers(vip) {
			t.Error("lb1 did not preempt after its link came back")
		}
		a.stop(t)
		b.stop(t)
	})
}

func TestEngine_ReloadInPlaceLosesNoAdvert(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lan, a, b := pair(t)
		a.start(t, webConfig(150))
		b.start(t, webConfig(100))
		time.Sleep(6500 * time.Millisecond)
		more := func(g *config.Group) {
			g.Addresses = append(g.Addresses, netip.MustParsePrefix("192.0.2.11/24"))
		}
		cfg := webConfig(150, more)
		cfg.Node = "lb1"
		if err := a.engine.Apply(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		if !a.answers(vip) || !a.answers("192.0.2.11") {
			t.Error("the new address does not answer")
		}
		wantStory(t, a, "web init->backup", "web backup->active")
		wantStory(t, b, "web init->backup")
		_, _, at := lan.adverts(51)
		for i := 1; i < len(at); i++ {
			if gap := at[i].Sub(at[i-1]); gap > time.Second {
				t.Errorf("gap of %s between adverts %d and %d", gap, i-1, i)
			}
		}
		a.stop(t)
		b.stop(t)
	})
}

func TestEngine_ReloadThatRestartsAGroupHandsItOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b := pair(t)
		a.start(t, webConfig(150))
		b.start(t, webConfig(100))
		time.Sleep(6 * time.Second)
		cfg := webConfig(150, func(g *config.Group) { g.VRRP.ID = 52 })
		cfg.Node = "lb1"
		if err := a.engine.Apply(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if !b.answers(vip) {
			t.Error("lb2 did not take over the group that left")
		}
		if !slices.Contains(a.story(), "web active->backup") {
			t.Errorf("lb1 did not leave in order: %v", a.story())
		}
		a.stop(t)
		b.stop(t)
	})
}

func TestEngine_GroupsThatMoveTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b := pair(t)
		with := func(priority uint8) *config.Config {
			cfg := webConfig(priority, func(g *config.Group) { g.With = []string{"dns"} })
			dns := webConfig(priority, func(g *config.Group) {
				g.Name, g.With, g.VRRP.ID = "dns", []string{"web"}, 53
				g.Addresses = []netip.Prefix{netip.MustParsePrefix("192.0.2.53/24"), netip.MustParsePrefix("fe80::53/64")}
			})
			cfg.Groups = append(dns.Groups, cfg.Groups...)
			return cfg
		}
		a.start(t, with(150))
		b.start(t, with(100))
		time.Sleep(6 * time.Second)
		if res, err := a.engine.Handover(t.Context(), "dns", ""); err != nil || !res.OK {
			t.Fatalf("%+v, %v", res, err)
		}
		time.Sleep(time.Second)
		for _, addr := range []string{vip, "192.0.2.53", "fe80::53"} {
			if !b.answers(addr) || a.answers(addr) {
				t.Errorf("%s did not move with its group", addr)
			}
		}
		a.stop(t)
		b.stop(t)
	})
}

func TestEngine_MaintenanceNeedsASuccessor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b := pair(t)
		a.start(t, webConfig(150))
		time.Sleep(6 * time.Second)
		if res, _ := a.engine.Maintenance(t.Context(), true, false); res.OK {
			t.Errorf("maintenance without another node: %+v", res)
		}
		time.Sleep(10 * time.Millisecond)
		if !a.answers(vip) {
			t.Error("the address is held by nobody after maintenance that failed")
		}
		b.start(t, webConfig(100))
		time.Sleep(2 * time.Second)
		if res, _ := a.engine.Maintenance(t.Context(), true, false); !res.OK {
			t.Errorf("maintenance: %+v", res)
		}
		time.Sleep(time.Second)
		if a.answers(vip) || !b.answers(vip) {
			t.Error("the address did not move")
		}
		if res, _ := a.engine.Maintenance(t.Context(), false, false); !res.OK {
			t.Errorf("maintenance off: %+v", res)
		}
		time.Sleep(5 * time.Second)
		if !a.answers(vip) {
			t.Error("lb1 did not preempt after maintenance")
		}
		a.stop(t)
		b.stop(t)
	})
}

func TestEngine_RefusedAddressIsAFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lan := &testLAN{}
		a := lan.node(t, "lb1", "192.0.2.1", "fe80::1")
		a.refuse = errors.New("operation not permitted")
		a.start(t, webConfig(150))
		time.Sleep(3450 * time.Millisecond) // Active_Down_Interval, before the first retry
		wantStory(t, a, "web init->backup", "web backup->fault")
		a.mu.Lock()
		a.refuse = nil
		a.mu.Unlock()
		time.Sleep(12 * time.Second)
		if !a.answers(vip) {
			t.Error("lb1 did not try again")
		}
		a.stop(t)
	})
}

func TestEngine_SnapshotShowsNodesByName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b := pair(t)
		a.start(t, webConfig(150))
		b.start(t, webConfig(100))
		time.Sleep(6 * time.Second)
		s, err := b.engine.Snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		nodes := s.Units[0].Routers[0].Nodes
		if len(nodes) != 1 || nodes[0].Name != "lb1" || nodes[0].Priority != 150 {
			t.Errorf("nodes seen by lb2: %+v", nodes)
		}
		a.stop(t)
		b.stop(t)
	})
}

func TestEngine_RepairsAnAddressThatSomebodyRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lan := &testLAN{}
		a := lan.node(t, "lb1", "192.0.2.1", "fe80::1")
		a.start(t, webConfig(150))
		time.Sleep(12 * time.Second)
		before := lan.arps("lb1", vip)
		a.mu.Lock()
		delete(a.kernel, netip.MustParseAddr(vip))
		a.mu.Unlock()
		a.engine.Changed(Change{
			Link: Link{
				Name: "eth0", Index: 2, Up: true, Addresses: []netip.Prefix{netip.PrefixFrom(a.addr4, 24)},
			},
			Lost: []netip.Prefix{netip.MustParsePrefix(vip + "/24")},
		})
		time.Sleep(10 * time.Millisecond)
		if !a.answers(vip) {
			t.Error("the address was not put back")
		}
		if lan.arps("lb1", vip) == before {
			t.Error("the address was not announced again")
		}
		a.stop(t)
	})
}

func TestEngine_InterfaceDeletedAndMadeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lan := &testLAN{}
		a := lan.node(t, "lb1", "192.0.2.1", "fe80::1")
		a.start(t, webConfig(150))
		time.Sleep(6 * time.Second)
		a.engine.Changed(Change{Link: Link{Name: "eth0", Index: 2}, Gone: true})
		time.Sleep(10 * time.Millisecond)
		wantStory(t, a, "web init->backup", "web backup->active", "web active->fault")
		a.engine.Changed(Change{Link: Link{
			Name: "eth0", Index: 7, Up: true, Addresses: []netip.Prefix{netip.PrefixFrom(a.addr4, 24)},
		}})
		time.Sleep(6 * time.Second)
		if !a.answers(vip) {
			t.Error("lb1 did not come back with its interface")
		}
		prepared := 0
		a.mu.Lock()
		for _, op := range a.ops {
			if op.Kind == OpPrepare {
				prepared++
			}
		}
		a.mu.Unlock()
		if prepared != 2 {
			t.Errorf("prepared %d times; a new interface has to be prepared anew", prepared)
		}
		a.stop(t)
	})
}

func TestEngine_AWeightMovesTheAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b := pair(t)
		cfg := webConfig(150, func(g *config.Group) { g.Checks = []config.Use{{Check: "uplink", Weight: 60}} })
		cfg.Checks = []config.Check{{Spec: check.Spec{Name: "uplink"}}}
		uplink := func(up bool) {
			change := check.Change{From: check.Down, To: check.Up}
			if !up {
				change = check.Change{From: check.Up, To: check.Down, Text: "eth1: no carrier"}
			}
			a.engine.Checked("uplink", change)
		}
		uplink(true)
		a.start(t, cfg)
		b.start(t, webConfig(100))
		time.Sleep(6 * time.Second)
		uplink(false)
		time.Sleep(5 * time.Second)
		if a.answers(vip) || !b.answers(vip) {
			t.Error("priority 150-60 kept the address from priority 100")
		}
		uplink(true)
		time.Sleep(5 * time.Second)
		if !a.answers(vip) {
			t.Error("priority 150 did not preempt")
		}
		a.stop(t)
		b.stop(t)
	})
}

func TestLateness_QuantilesAreClose(t *testing.T) {
	var l lateness
	for us := range 10000 {
		l.add(time.Duration(us) * time.Microsecond)
	}
	got := l.summary()
	for _, q := range []struct {
		name      string
		got, want time.Duration
	}{
		{"p50", got.P50, 5 * time.Millisecond},
		{"p99", got.P99, 9900 * time.Microsecond},
		{"max", got.Max, 9999 * time.Microsecond},
	} {
		if q.got < q.want || q.got > q.want*9/8+time.Microsecond {
			t.Errorf("%s is %s; want %s or at most an eighth more", q.name, q.got, q.want)
		}
	}
}
