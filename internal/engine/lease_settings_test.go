package engine

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-net/holdfast/internal/config"
)

// window is one that opens in a while, for a minute, each day.
func window(in time.Duration) config.Window {
	clock := func(t time.Time) time.Duration {
		return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second
	}
	at := time.Now().Add(in)
	w := config.Window{From: clock(at), To: clock(at.Add(time.Minute))}
	for i := range w.Days {
		w.Days[i] = true
	}
	return w
}

// When a node gets back what another one holds that has a lower priority, for
// each setting that says so. Midnight is when the clock of these tests begins.
func TestLease_IsTakenBack(t *testing.T) {
	const never = 0
	for _, tt := range []struct {
		name          string
		better, other func(l *config.Lease) // of a, which has 200, and of b, which has 100 and holds
		after, within time.Duration         // it started
	}{
		{name: "at once", after: time.Millisecond, within: 3 * time.Second},
		{name: "not without preempt", better: func(l *config.Lease) { l.Preempt = false }, after: never},
		{
			name: "after a delay", better: func(l *config.Lease) { l.PreemptDelay = 30 * time.Second },
			after: 30 * time.Second, within: 33 * time.Second,
		},
		{
			name: "in a window", better: func(l *config.Lease) { l.Failback = []config.Window{window(2 * time.Minute)} },
			// b is there for 3 s before a is, and it is looked every 10 s.
			after: 116 * time.Second, within: 130 * time.Second,
		},
		{name: "not from one that sticks", other: func(l *config.Lease) { l.Stickiness = 120 }, after: never},
		{name: "from one that sticks less", other: func(l *config.Lease) { l.Stickiness = 90 }, after: time.Millisecond, within: 3 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := tenantsOf(t, tt.better, tt.other)
				started := time.Now()
				limit := 5 * time.Minute
				for !a.answers("192.0.2.100") && time.Since(started) < limit {
					time.Sleep(100 * time.Millisecond)
				}
				took := time.Since(started)
				switch {
				case tt.after == never && took < limit:
					t.Errorf("a holds after %v; %q", took, a.story())
				case tt.after == never && !b.answers("192.0.2.100"):
					t.Errorf("b does not hold any more; %q", b.story())
				case tt.after != never && (took < tt.after || took > tt.within):
					t.Errorf("a holds after %v, not after %v to %v; %q %q", took, tt.after, tt.within, a.story(), b.story())
				}
				a.stop(t)
				b.stop(t)
			})
		})
	}
}

// tenantsOf are two nodes with one lease; b held it before a, whose priority is
// higher, has started just now.
func tenantsOf(t *testing.T, better, other func(*config.Lease)) (a, b *testNode) {
	t.Helper()
	l, r := &testLAN{}, newRegister()
	a = l.node(t, "a", "192.0.2.1", "fe80::1")
	b = l.node(t, "b", "192.0.2.2", "fe80::2")
	a.engine.opt.Leases, b.engine.opt.Leases = registerFor{r, "a"}, registerFor{r, "b"}
	ca, cb := leased(200), leased(100)
	if better != nil {
		better(ca.Groups[0].Lease)
	}
	if other != nil {
		other(cb.Groups[0].Lease)
	}
	b.start(t, cb)
	time.Sleep(3 * time.Second)
	if !b.answers("192.0.2.100") {
		t.Fatalf("b does not hold: %q", b.story())
	}
	a.start(t, ca)
	return a, b
}

// A node that failed to hold too often is barred for a while, however much it
// is preferred, unless an operator says that it is well again.
func TestLease_IsBarredFromWhoFails(t *testing.T) {
	for _, forgiven := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			a, b := tenantsOf(t, func(l *config.Lease) { l.Failures, l.BarredFor = 2, 10*time.Minute }, nil)
			holds := func(n *testNode, what string) {
				t.Helper()
				for begun := time.Now(); !n.answers("192.0.2.100"); time.Sleep(100 * time.Millisecond) {
					if time.Since(begun) > time.Minute {
						t.Fatalf("%s; %q %q", what, a.story(), b.story())
					}
				}
			}
			for range 2 {
				holds(a, "a, which is preferred, does not hold")
				a.link(false, "the cable is out")
				holds(b, "b does not follow")
				a.link(true, "")
			}
			time.Sleep(5 * time.Minute)
			if !b.answers("192.0.2.100") {
				t.Errorf("b does not hold, though a is barred; %q", a.story())
			}
			if forgiven {
				if _, err := a.engine.Maintenance(t.Context(), false, false); err != nil {
					t.Fatal(err)
				}
				holds(a, "a is forgiven and does not hold")
			} else {
				time.Sleep(5 * time.Minute)
				holds(a, "a is barred no more and does not hold")
			}
			a.stop(t)
			b.stop(t)
		})
	}
}
