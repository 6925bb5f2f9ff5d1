package interop

import (
	"fmt"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/lab"
	"github.com/holdfast-net/holdfast/interop/peer"
	"github.com/holdfast-net/holdfast/interop/wire"
)

func TestElection_HigherPriorityHolds(t *testing.T) {
	eachWay(t, peer.Keepalived, func(t *testing.T, first, second peer.Kind) {
		bed := newBed(t)
		a := bed.start(first, bed.a, router4(200))
		b := bed.start(second, bed.b, router4(100))
		bed.state(a, peer.Active)
		bed.state(b, peer.Backup)
		bed.answers(vip4, bed.a)

		settled := time.Now()
		bed.steady(time.Second, "the backup stays backup", holds(b, peer.Backup))
		if sent := bed.adverts(bed.b, settled); len(sent) > 0 {
			t.Errorf("the backup sent %d adverts: %+v", len(sent), sent[0])
		}
		// RFC 9568 §6.4.3: one advert each Advertisement_Interval. A busy
		// machine may make some late, and those after them earlier.
		var sent []wire.Advert
		bed.within(15*time.Second, "the active goes on advertising", func() error {
			if sent = bed.adverts(bed.a, settled); len(sent) < 11 {
				return fmt.Errorf("%d adverts", len(sent))
			}
			return nil
		})
		if took := sent[10].At.Sub(sent[0].At); took < 8*router4(200).Interval {
			t.Errorf("ten intervals of %v took %v", router4(200).Interval, took)
		}
	})
}

// downInterval is the Active_Down_Interval of RFC 9568 §6.1.
func downInterval(r peer.Router) time.Duration {
	return 3*r.Interval + time.Duration(256-int(r.Priority))*r.Interval/256
}

// slack is how much later than the protocol says a loaded machine may be. A
// node is never allowed to be early.
const slack = 2 * time.Second

func TestTakeover_MachineLost(t *testing.T) {
	eachWay(t, peer.Keepalived, func(t *testing.T, first, second peer.Kind) {
		bed := newBed(t)
		a := bed.start(first, bed.a, router4(200))
		b := bed.start(second, bed.b, router4(100))
		bed.state(a, peer.Active)
		bed.state(b, peer.Backup)
		bed.answers(vip4, bed.a)

		last := bed.lastAdvert(bed.a)
		if _, err := bed.a.Kill(); err != nil {
			t.Fatal(err)
		}
		bed.state(b, peer.Active)
		bed.answers(vip4, bed.b)
		bed.gap(last, bed.b, downInterval(router4(100))-5*time.Millisecond, downInterval(router4(100))+slack+router4(100).Interval)

		// It comes back, and is preferred.
		if err := bed.a.Boot(); err != nil {
			t.Fatal(err)
		}
		a = bed.start(first, bed.a, router4(200))
		bed.state(a, peer.Active)
		bed.state(b, peer.Backup)
		bed.answers(vip4, bed.a)
	})
}

// Both nodes live and cannot hear each other, so both are active; when they
// can again, the higher priority stays.
func TestTakeover_PartitionHeals(t *testing.T) {
	eachWay(t, peer.Keepalived, func(t *testing.T, first, second peer.Kind) {
		bed := newBed(t)
		a := bed.start(first, bed.a, router4(200))
		b := bed.start(second, bed.b, router4(100))
		bed.state(a, peer.Active)
		bed.state(b, peer.Backup)
		if err := bed.a.Cut(lab.Silent); err != nil {
			t.Fatal(err)
		}
		bed.state(b, peer.Active)
		bed.answers(vip4, bed.b)
		if err := bed.a.Restore(); err != nil {
			t.Fatal(err)
		}
		bed.state(b, peer.Backup)
		bed.state(a, peer.Active)
		bed.answers(vip4, bed.a)
	})
}

func TestTakeover_CarrierLost(t *testing.T) {
	eachWay(t, peer.Keepalived, func(t *testing.T, first, second peer.Kind) {
		bed := newBed(t)
		a := bed.start(first, bed.a, router4(200))
		b := bed.start(second, bed.b, router4(100))
		bed.state(a, peer.Active)
		bed.state(b, peer.Backup)
		if err := bed.a.Cut(lab.Carrier); err != nil {
			t.Fatal(err)
		}
		bed.state(a, peer.Fault)
		bed.state(b, peer.Active)
		bed.answers(vip4, bed.b)
		if err := bed.a.Restore(); err != nil {
			t.Fatal(err)
		}
		bed.state(a, peer.Active)
		bed.state(b, peer.Backup)
		bed.answers(vip4, bed.a)
	})
}

func TestPreempt(t *testing.T) {
	eachWay(t, peer.Keepalived, func(t *testing.T, first, second peer.Kind) {
		bed := newBed(t)
		b := bed.start(second, bed.b, router4(100))
		bed.state(b, peer.Active)
		a := bed.start(first, bed.a, router4(200))
		bed.state(a, peer.Active)
		bed.state(b, peer.Backup)
		bed.answers(vip4, bed.a)
	})
}

func TestNoPreempt(t *testing.T) {
	eachWay(t, peer.Keepalived, func(t *testing.T, first, second peer.Kind) {
		high, low := router4(200), router4(100)
		high.NoPreempt, low.NoPreempt = true, true
		bed := newBed(t)
		b := bed.start(second, bed.b, low)
		bed.state(b, peer.Active)
		a := bed.start(first, bed.a, high)
		bed.state(a, peer.Backup)
		bed.steady(time.Second, "the higher priority waits", holds(a, peer.Backup))
		bed.answers(vip4, bed.b)
		bed.stop(b)
		bed.state(a, peer.Active)
		bed.answers(vip4, bed.a)
	})
}

// Among equals an active router is left alone (RFC 9568 §6.4.2), and of two
// active ones that with the higher address stays (§6.4.3).
func TestEqualPriorities(t *testing.T) {
	eachWay(t, peer.Keepalived, func(t *testing.T, first, second peer.Kind) {
		bed := newBed(t)
		a := bed.start(first, bed.a, router4(100))
		bed.state(a, peer.Active)
		b := bed.start(second, bed.b, router4(100)) // 192.0.2.2, the higher address
		bed.state(b, peer.Backup)
		bed.steady(time.Second, "an equal priority does not preempt", holds(b, peer.Backup))

		if err := bed.a.Cut(lab.Silent); err != nil {
			t.Fatal(err)
		}
		bed.state(b, peer.Active)
		if err := bed.a.Restore(); err != nil {
			t.Fatal(err)
		}
		bed.state(a, peer.Backup)
		bed.state(b, peer.Active)
		bed.answers(vip4, bed.b)
	})
}

// lastAdvert is when a host's latest advert was on the wire.
func (b *bed) lastAdvert(from *lab.Host) time.Time {
	b.t.Helper()
	sent := b.adverts(from, time.Time{})
	if len(sent) == 0 {
		b.t.Fatalf("%s has sent no advert", from.Name())
	}
	return sent[len(sent)-1].At
}

// gap checks the time between an instant and a host's first advert after it.
func (b *bed) gap(since time.Time, to *lab.Host, atLeast, atMost time.Duration) {
	b.t.Helper()
	b.within(5*time.Second, fmt.Sprintf("%s advertises", to.Name()), func() error {
		sent := b.adverts(to, since)
		if len(sent) == 0 {
			return fmt.Errorf("no advert yet")
		}
		if took := sent[0].At.Sub(since); took < atLeast || took > atMost {
			b.t.Errorf("%s took over after %v, want %v to %v", to.Name(), took, atLeast, atMost)
		}
		return nil
	})
}
