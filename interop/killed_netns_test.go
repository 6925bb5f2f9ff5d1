package interop

import (
	"errors"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/hold"
	"github.com/holdfast-net/holdfast/interop/peer"
)

// A holdfast that is killed is succeeded by its guardian's word, which every
// peer understands: after the backup's Skew_Time (RFC 9568 §6.4.2, an advert
// of priority 0), where after the same death of a keepalived its peer waits
// for three intervals.
func TestTakeover_DaemonKilled(t *testing.T) {
	need(t, peer.Keepalived, peer.Holdfast)
	if *control {
		t.Skip("keepalived has nobody that speaks for its dead process")
	}
	t.Parallel()
	for _, second := range []peer.Kind{peer.Keepalived, peer.Holdfast} {
		t.Run("to "+string(second), func(t *testing.T) {
			t.Parallel()
			bed := newBed(t)
			ra, rb := router4(200), router4(100)
			ra.Interval, rb.Interval = time.Second, time.Second
			a := bed.start(peer.Holdfast, bed.a, ra)
			bed.state(a, peer.Active)
			b := bed.start(second, bed.b, rb)
			bed.state(b, peer.Backup)
			bed.within(20*time.Second, "a has a guardian", func() error {
				st, err := a.(*peer.Node).Status()
				if err == nil && !st.Guardian.On {
					err = errors.New(st.Guardian.Detail)
				}
				return err
			})
			// A holdfast node that has just started listens first, for as long
			// as another's hold can last.
			time.Sleep(hold.Patience(time.Second, 3))
			p := bed.probe()
			bed.reaches(p, bed.a)
			killed := time.Now()
			if err := a.Process().Signal(unix.SIGKILL); err != nil {
				t.Fatal(err)
			}
			var said time.Duration
			bed.within(20*time.Second, "priority 0 is on the wire", func() error {
				for _, ad := range bed.adverts(bed.a, killed) {
					if ad.Priority == 0 {
						said = ad.At.Sub(killed)
						return nil
					}
				}
				return errors.New("not yet")
			})
			bed.state(b, peer.Active)
			bed.answers(vip4, bed.b)
			bed.reaches(p, bed.b)
			p.Settle()
			p.Stop()
			outage := p.Report(killed, time.Now()).Longest()
			t.Logf("priority 0 was on the wire after %v, the client waited for %v", said, outage)
			// 609 ms of Skew_Time against 3609 of Active_Down_Interval.
			if outage > 2*time.Second {
				t.Errorf("the client waited for %v", outage)
			}
		})
	}
}
