package interop

import (
	"strings"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/interop/peer"
)

// Two nodes that watch each other by BFD: a holder that freezes is succeeded
// long before VRRP alone would notice, and never by one that answers beside it.
func TestBFD_FrozenHolderIsSucceeded(t *testing.T) {
	need(t, product())
	t.Parallel()
	if *control {
		t.Skip("keepalived's way of it is another one")
	}
	bed := newBed(t)
	high, low := router4(200), router4(100)
	for _, r := range []*peer.Router{&high, &low} {
		r.Interval = time.Second
		r.Further = []string{"bfd: {interval: 20ms, multiplier: 5}"}
	}
	a := bed.start(peer.Holdfast, bed.a, high)
	b := bed.start(peer.Holdfast, bed.b, low)
	bed.state(a, peer.Active)
	bed.state(b, peer.Backup)
	client := bed.probe()
	bed.reaches(client, bed.a)
	for _, d := range []peer.Daemon{a, b} {
		bed.within(patience, "a neighbour is watched", func() error {
			if !strings.Contains(d.Log(), "msg=neighbour") || !strings.Contains(d.Log(), "to=up") {
				return errNotYet
			}
			return nil
		})
	}

	frozen := time.Now()
	if err := a.Process().Pause(); err != nil {
		t.Fatal(err)
	}
	bed.reaches(client, bed.b)
	client.Settle()
	r := client.Report(frozen.Add(-time.Second), time.Now())
	t.Logf("an outage of %s; answered by %v", r.Longest(), r.By)
	// VRRP alone: three intervals, and some.
	if r.Longest() > 2*time.Second {
		t.Errorf("an outage of %s", r.Longest())
	}
	if err := a.Process().Resume(); err != nil {
		t.Fatal(err)
	}
	bed.state(a, peer.Active)
}
