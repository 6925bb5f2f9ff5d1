package chaos

import (
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/interop/chaos/measure"
)

var figuresFlag = flag.Int("figures", 0, "how often each fault happens to the holder of a lease, to see how long nobody answers")

// TestLeases_Figures measures how long an address of a lease is without an
// answer, by store, term and fault. It wants a quiet machine.
func TestLeases_Figures(t *testing.T) {
	if *figuresFlag == 0 {
		t.Skip("measures; see -figures")
	}
	for _, stores := range []int{3, 0} {
		for _, ttl := range []time.Duration{200 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second} {
			mode := Mode{Nodes: 3, Guard: Leased, TTL: ttl, Interval: ttl / 3, Stores: stores}
			if mode.embedded() && ttl < 40*heartbeat {
				continue
			}
			for _, f := range []Fault{KillDaemon, KillBoth, PauseBoth, Isolate, KillStore} {
				t.Run(fmt.Sprintf("%d/%v/%s", stores, ttl, f), func(t *testing.T) { figure(t, mode, f) })
			}
		}
	}
}

func figure(t *testing.T, mode Mode, f Fault) {
	plan := Plan{Seed: 1, Mode: mode}
	at := time.Second
	for range *figuresFlag {
		e := Event{Fault: f, At: at, On: Holder, Length: 2*mode.TTL + time.Second}
		plan.Events = append(plan.Events, e)
		at += e.Length + 2*mode.TTL + 3*time.Second
	}
	v := judged(t, plan)
	var none []time.Duration
	for _, h := range v.Happened {
		none = append(none, within(v.outages, h.From-grain, h.To+mode.TTL))
	}
	slices.Sort(none)
	t.Logf("nobody answers for %v in the middle, %v to %v, of %d; two answer for %v",
		none[len(none)/2].Round(time.Millisecond), none[0].Round(time.Millisecond), none[len(none)-1].Round(time.Millisecond), len(none), v.Two)
}

// within is how long some spans last between two instants.
func within(spans []measure.Span, from, to time.Duration) time.Duration {
	outside := []measure.Span{{From: -time.Hour, To: from}, {From: to, To: time.Hour}}
	return measure.Sum(measure.Without(spans, outside))
}
