package daemon_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/lab"
)

// The gateway is a host with a kernel, and nothing else.
func TestGatewayGuard(t *testing.T) {
	q := newQuorum(t, "{gateway: 192.0.2.3}", 100*time.Millisecond)
	at := time.Now()
	q.begin(q.a)
	q.begin(q.b)
	t.Logf("cold start: a holder after %s", q.holder("a", at))
	q.a.becomes("web", "active")
	q.b.becomes("web", "backup")
	for _, c := range []struct {
		name string
		cut  lab.Cut
	}{{"both ways", lab.Silent}, {"mute", lab.Mute}, {"deaf", lab.Deaf}, {"carrier", lab.Carrier}} {
		at := time.Now()
		q.must(q.a.host.Cut(c.cut))
		t.Logf("%s: b answers after %s", c.name, q.holder("b", at))
		q.must(q.a.host.Restore())
		q.holder("a", at)
		q.a.becomes("web", "active")
		q.b.becomes("web", "backup")
	}
	p := q.probe(vip)
	at = time.Now()
	q.commands(q.a, "handover", "web")
	q.holder("b", at)
	q.b.becomes("web", "active")
	q.nothing(p, "handover", at)

	at = time.Now()
	q.commands(q.b, "upgrade")
	q.b.becomes("web", "active")
	q.stays("b", "upgrade")
	q.nothing(p, "upgrade", at)

	// Without the gateway nobody may hold: that is what the guard says.
	at = time.Now()
	q.must(q.w.host.Cut(lab.Silent))
	q.b.becomes("web", "backup")
	lapsed := q.nobody(at)
	if lapsed > q.term()+500*time.Millisecond {
		t.Errorf("the gateway is gone, and b holds for %s", lapsed)
	}
	at = time.Now()
	q.must(q.w.host.Restore())
	q.within("somebody answers", func() error {
		if q.tap.Latest() == "" || len(q.tap.Answering(50*time.Millisecond)) == 0 {
			return errNotYet
		}
		return nil
	})
	t.Logf("without the gateway nobody answers after %s; %s after it is back somebody does", lapsed, time.Since(at))
}

// How long a failover takes with a guard and without.
func TestGuards_FailoverTime(t *testing.T) {
	if testing.Short() {
		t.Skip("it is for the figures: that it happens, others test")
	}
	for _, pace := range []time.Duration{100 * time.Millisecond, time.Second} {
		for _, guard := range []string{"guarded", "available", "{gateway: 192.0.2.3}"} {
			t.Run(fmt.Sprint(guard, " ", pace), func(t *testing.T) {
				q := newQuorum(t, guard, pace)
				q.all()
				q.heard(q.b)
				var took []time.Duration
				for range 5 {
					q.a.becomes("web", "active")
					q.b.becomes("web", "backup")
					q.stays("a", "before")
					at := q.slay(q.a)
					took = append(took, q.holder("b", at).Round(time.Millisecond))
					q.begin(q.a)
					q.holder("a", at)
				}
				slices.Sort(took)
				t.Logf("median %s of %v", took[2], took)
			})
		}
	}
}
