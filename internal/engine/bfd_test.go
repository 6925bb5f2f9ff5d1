package engine

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-net/holdfast/internal/config"
)

func withBFD(g *config.Group) {
	g.VRRP.BFD = &config.BFD{Interval: 5 * time.Millisecond, Multiplier: 3}
}

// watchBoth looks every half a millisecond who answers, and fails when both do.
func watchBoth(t *testing.T, a, b *testNode, d time.Duration, until func() bool) (took time.Duration, came bool) {
	t.Helper()
	begun := time.Now()
	for time.Since(begun) < d {
		if a.answers(vip) && b.answers(vip) {
			t.Fatalf("after %s both answer", time.Since(begun))
		}
		if until() {
			return time.Since(begun), true
		}
		time.Sleep(500 * time.Microsecond)
	}
	return 0, false
}

func never() bool { return false }

// A holder that freezes is missed within a few packets of BFD, and has let go
// by then; when it wakes it does not answer again before it may.
func TestEngine_MissesAFrozenHolderByBFD(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b := pair(t)
		a.start(t, webConfig(150, withBFD))
		b.start(t, webConfig(100, withBFD))
		time.Sleep(10 * time.Second)
		if !a.answers(vip) || b.answers(vip) {
			t.Fatalf("answers: lb1 %v, lb2 %v; want only lb1", a.answers(vip), b.answers(vip))
		}
		if _, came := watchBoth(t, a, b, 5*time.Second, func() bool { return !a.answers(vip) }); came {
			t.Fatal("lb1 lets go though nothing happens")
		}
		if _, came := watchBoth(t, a, b, 100*time.Millisecond, func() bool {
			a.mu.Lock()
			defer a.mu.Unlock()
			return a.doors[a.kernel[netip.MustParseAddr(vip)]].Announced.Sub(gateOf{a}.Now()) > 15*time.Millisecond
		}); came {
			t.Fatal("lb1's hold lasts longer than lb2 waits")
		}

		thaw := a.freeze()
		took, came := watchBoth(t, a, b, 5*time.Second, func() bool { return b.answers(vip) })
		if !came || took > 100*time.Millisecond {
			t.Errorf("lb2 took over after %s: %v; VRRP alone takes more than 3s", took, came)
		}
		t.Logf("lb2 answers after %s", took)
		watchBoth(t, a, b, 2*time.Second, never)
		thaw()
		watchBoth(t, a, b, 10*time.Second, never)
		if !a.answers(vip) && !b.answers(vip) {
			t.Error("nobody answers")
		}
		a.stop(t)
		b.stop(t)
	})
}

// A backup that dies takes nothing along: the holder goes on.
func TestEngine_HolderOutlivesABackupWithBFD(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b := pair(t)
		a.start(t, webConfig(150, withBFD))
		b.start(t, webConfig(100, withBFD))
		time.Sleep(10 * time.Second)
		thaw := b.freeze()
		if _, came := watchBoth(t, a, b, 10*time.Second, func() bool { return !a.answers(vip) }); came {
			t.Error("lb1 let go because lb2 died")
		}
		thaw()
		if _, came := watchBoth(t, a, b, 10*time.Second, func() bool { return !a.answers(vip) }); came {
			t.Error("lb1 let go because lb2 came back")
		}
		wantStory(t, b, "web init->backup")
		b.stop(t)
		if !a.answers(vip) {
			t.Error("lb1 let go because lb2 left")
		}
		a.stop(t)
	})
}

// Leaving in order is no death: the successor is the one that is named.
func TestEngine_LeavesInOrderWithBFD(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b := pair(t)
		a.start(t, webConfig(150, withBFD))
		b.start(t, webConfig(100, withBFD))
		time.Sleep(10 * time.Second)
		a.stop(t)
		if took, came := watchBoth(t, a, b, 5*time.Second, func() bool { return b.answers(vip) }); !came || took > time.Second {
			t.Errorf("lb2 took over after %s: %v", took, came)
		}
		b.stop(t)
	})
}

// A hold is bound by whoever watches this node, also for groups that only the
// neighbour watches: it was told of them first, or they are watched on one node
// after the other.
func TestEngine_BoundByAnothersWish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b := pair(t)
		other := func(g *config.Group) {
			g.Name, g.VRRP.ID = "mail", 52
			g.Addresses = []netip.Prefix{netip.MustParsePrefix("192.0.2.11/24")}
			withBFD(g)
		}
		onA, onB := webConfig(150), webConfig(100, withBFD)
		onA.Groups = append(onA.Groups, webConfig(150, other).Groups...)
		onB.Groups = append(onB.Groups, webConfig(100, other).Groups...)
		a.start(t, onA)
		b.start(t, onB)
		time.Sleep(10 * time.Second)
		if !a.answers(vip) || b.answers(vip) {
			t.Fatalf("answers: lb1 %v, lb2 %v; want only lb1", a.answers(vip), b.answers(vip))
		}
		thaw := a.freeze()
		took, came := watchBoth(t, a, b, 5*time.Second, func() bool { return b.answers(vip) })
		if !came || took > 100*time.Millisecond {
			t.Errorf("lb2 took over after %s: %v", took, came)
		}
		watchBoth(t, a, b, 2*time.Second, never)
		thaw()
		watchBoth(t, a, b, 5*time.Second, never)
		a.stop(t)
		b.stop(t)
	})
}
