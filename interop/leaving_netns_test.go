package interop

import (
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/interop/peer"
)

// A router that stops says so with priority 0, and its backup waits for its
// skew time alone (RFC 9568 §6.4.2).
func TestPriorityZero(t *testing.T) {
	eachWay(t, peer.Keepalived, func(t *testing.T, first, second peer.Kind) {
		high, low := router4(200), router4(100)
		high.Interval, low.Interval = time.Second, time.Second
		bed := newBed(t)
		a := bed.start(first, bed.a, high)
		b := bed.start(second, bed.b, low)
		bed.state(a, peer.Active)
		bed.state(b, peer.Backup)
		bed.answers(vip4, bed.a)

		asked := time.Now()
		bed.stop(a)
		bed.state(b, peer.Active)
		bed.answers(vip4, bed.b)

		var left time.Time
		for _, advert := range bed.adverts(bed.a, asked) {
			if advert.Priority == 0 {
				left = advert.At
				break
			}
		}
		if left.IsZero() {
			t.Fatal("the leaving router did not say priority 0")
		}
		skew := downInterval(low) - 3*low.Interval
		bed.gap(left, bed.b, skew-5*time.Millisecond, skew+slack)

		bed.stop(b)
		bed.unanswered(vip4)
	})
}

// The router whose own address the virtual one is has priority 255 and is
// active from the first moment (RFC 9568 §6.4.1).
func TestOwner(t *testing.T) {
	eachWay(t, peer.Keepalived, func(t *testing.T, first, second peer.Kind) {
		bed := newBed(t, vip4)
		owner := router4(255)
		a := bed.start(first, bed.a, owner)
		bed.state(a, peer.Active)
		b := bed.start(second, bed.b, router4(100))
		bed.state(b, peer.Backup)
		bed.answers(vip4, bed.a)
		for _, advert := range bed.adverts(bed.a, time.Time{}) {
			if advert.Priority != 255 {
				t.Errorf("the owner advertised priority %d", advert.Priority)
			}
		}

		if _, err := bed.a.Kill(); err != nil {
			t.Fatal(err)
		}
		bed.state(b, peer.Active)
		bed.answers(vip4, bed.b)
		if err := bed.a.Boot(); err != nil {
			t.Fatal(err)
		}
		a = bed.start(first, bed.a, owner)
		bed.state(a, peer.Active)
		bed.state(b, peer.Backup)
		bed.answers(vip4, bed.a)
	})
}
