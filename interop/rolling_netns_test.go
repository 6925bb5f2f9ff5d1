package interop

import (
	"net/netip"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/lab"
	"github.com/holdfast-net/holdfast/interop/peer"
)

// rolling is a client that goes on asking while the pair behind the address
// is replaced.
type rolling struct {
	*bed
	client *lab.Prober
}

func newRolling(t *testing.T) *rolling {
	t.Helper()
	need(t, peer.Keepalived, product())
	r := &rolling{bed: newBed(t)}
	var err error
	r.client, err = lab.StartProber(lab.ProbeConfig{
		From: r.bed.client, To: netip.AddrPortFrom(vip4.Addr(), echoPort), Interval: lab.MinProbeInterval, For: 3 * time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.client.Stop)
	return r
}

// pair starts two daemons one after the other, so that the client has known no
// other node than the first.
func (r *rolling) pair(kind peer.Kind) (a, b peer.Daemon) {
	r.t.Helper()
	a = r.start(kind, r.a, router4(200))
	r.state(a, peer.Active)
	b = r.start(kind, r.b, router4(100))
	r.state(b, peer.Backup)
	return a, b
}

// step does one step, waits until the host answers the client and everything
// that belongs to the step is over, and returns what the client missed.
func (r *rolling) step(what string, by *lab.Host, do func()) *lab.Report {
	r.t.Helper()
	began := time.Now()
	do()
	var report *lab.Report
	r.within(15*time.Second, by.Name()+" answers", func() error {
		report = r.client.Report(began, time.Now())
		if n := len(report.Spans); n == 0 || report.Answering() != by.Name() || report.Spans[n-1].Probes < 2000 {
			return errNotYet
		}
		return nil
	})
	r.t.Logf("%-58s lost %4d of %5d probes, outage %v", what, report.Lost, report.Sent, report.Longest().Round(time.Millisecond))
	return report
}

// A keepalived pair becomes a holdfast pair, one node at a time, in the way
// most would do it: the backup first, then the active one.
func TestRollingReplacement(t *testing.T) {
	r := newRolling(t)
	a, b := r.pair(peer.Keepalived)

	if got := r.step("keepalived on b, the backup, stops", r.a, func() { r.stop(b) }); got.Lost > 0 {
		t.Error("probes were lost although the active node was left alone")
	}
	got := r.step("holdfast starts on b and is backup", r.a, func() {
		b = r.start(product(), r.b, router4(100))
		r.state(b, peer.Backup)
	})
	if got.Lost > 0 {
		t.Error("probes were lost although the active node was left alone")
	}
	// keepalived says priority 0 and stops answering at once: for the
	// backup's skew time nobody answers.
	skew := downInterval(router4(100)) - 3*router4(100).Interval
	if got := r.step("keepalived on a, the active, stops; holdfast on b follows", r.b, func() { r.stop(a) }); got.Longest() > skew+slack {
		t.Errorf("the outage was %v, and the skew time is %v", got.Longest(), skew)
	}
	got = r.step("holdfast starts on a and takes the address back", r.a, func() { a = r.start(product(), r.a, router4(200)) })
	if got.Lost > 0 && !*control {
		t.Error("probes were lost in a planned move between two holdfast nodes")
	}
	r.state(b, peer.Backup)
	r.answers(vip4, r.a)
}

// The same, the gentle way: holdfast on the backup node gets the higher
// priority, takes the address, and keepalived is replaced where it is backup.
func TestRollingReplacement_ByPriority(t *testing.T) {
	r := newRolling(t)
	a, b := r.pair(peer.Keepalived)

	r.step("keepalived on b, the backup, stops", r.a, func() { r.stop(b) })
	got := r.step("holdfast starts on b with the higher priority", r.b, func() { b = r.start(product(), r.b, router4(250)) })
	// keepalived takes its address off when it hears the advert; the
	// announcement is on the wire by then.
	if got.Longest() > slack {
		t.Errorf("the outage was %v", got.Longest())
	}
	if got := r.step("keepalived on a, now backup, stops", r.b, func() { r.stop(a) }); got.Lost > 0 {
		t.Error("probes were lost although the active node was left alone")
	}
	if got := r.step("holdfast starts on a and is backup", r.b, func() {
		a = r.start(product(), r.a, router4(200))
		r.state(a, peer.Backup)
	}); got.Lost > 0 {
		t.Error("probes were lost although the active node was left alone")
	}
	r.answers(vip4, r.b)
}

// And back: whoever tries holdfast can leave it again as gently.
func TestRollingReplacement_Back(t *testing.T) {
	r := newRolling(t)
	a, b := r.pair(product())

	alone := func(got *lab.Report) {
		t.Helper()
		if got.Lost > 0 {
			t.Error("probes were lost although the active node was left alone")
		}
	}
	alone(r.step("holdfast on b, the backup, stops", r.a, func() { r.stop(b) }))
	alone(r.step("keepalived starts on b and is backup", r.a, func() {
		b = r.start(peer.Keepalived, r.b, router4(100))
		r.state(b, peer.Backup)
	}))
	// holdfast serves until it has heard its successor.
	if got := r.step("holdfast on a, the active, stops; keepalived on b follows", r.b, func() { r.stop(a) }); got.Lost > 0 && !*control {
		t.Error("probes were lost although holdfast serves until its successor is heard")
	}
	// keepalived takes its address off when it hears a better advert, before
	// or after the client has heard the announcement.
	if got := r.step("keepalived starts on a and takes the address back", r.a, func() { a = r.start(peer.Keepalived, r.a, router4(200)) }); got.Longest() > slack {
		t.Errorf("the outage was %v", got.Longest())
	}
	r.state(b, peer.Backup)
	r.answers(vip4, r.a)
}
