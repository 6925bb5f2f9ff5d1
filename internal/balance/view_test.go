package balance

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// maglevService is one where a difference of tables would show.
func maglevService(backends ...Backend) *Service {
	s := service(backends...)
	s.Scheduler, s.TableSize = Maglev, 4093
	return s
}

func TestPool_FollowsTheHolder(t *testing.T) {
	backends := []Backend{backend(a), backend(b), backend(c)}
	holder := start(t, maglevService(backends...)).up(a, b, c)
	standby := start(t, maglevService(backends...)).down(a, b, c) // its own checks see nothing
	standby.step(Followed{holder.pool.View()})
	same := func(when string) {
		t.Helper()
		if diff := cmp.Diff(holder.pool.Plan().Table, standby.pool.Plan().Table); diff != "" {
			t.Fatalf("%s: tables differ:\n%s", when, diff)
		}
		if holder.pool.Plan().Digest() != standby.pool.Plan().Digest() {
			t.Fatalf("%s: digests differ", when)
		}
	}
	same("at the beginning")

	standby.quiet().up(b).down(b).says() // its own checks do not decide
	holder.down(b).step(Asked{Backend: c, Wish: WishDrain, By: "ann"}).step(Weighed{Backend: a, Weight: 5})
	standby.step(Followed{holder.pool.View()}).says(
		"HF3003 backend 10.0.0.12:443 is down: HTTP 503 in 12 ms, wanted 200",
		"HF3002 backend 10.0.0.13:443 gets no new flows: it drains, asked by ann",
		"plan 10.0.0.11 up 4093, 10.0.0.12 down 0, 10.0.0.13 drain 0")
	same("after changes")
	standby.step(Asked{Backend: a, Wish: WishDrain}).says("refused 10.0.0.11:443: another node holds the addresses of the service: ask there")

	// The standby takes over: what operators said stays, its own checks decide.
	standby.up(a, c).quiet().step(Led{}).says()
	standby.up(b).says("HF3001 backend 10.0.0.12:443 is up: HTTP 200 in 3 ms", "plan 10.0.0.11 up 3411, 10.0.0.12 up 682, 10.0.0.13 drain 0")
}

// What a standby never checked, it believes the holder for, until it has.
func TestPool_LeadsWithWhatTheHolderSaw(t *testing.T) {
	backends := []Backend{backend(a), backend(b)}
	holder := start(t, service(backends...)).up(a).down(b)
	standby := start(t, service(backends...)).step(Followed{holder.pool.View()}).quiet()
	standby.step(Led{}).says()
	standby.down(a).up(b).says(
		"HF3003 backend 10.0.0.11:443 is down: HTTP 503 in 12 ms, wanted 200",
		"HF3009 service web has no backend: new flows are refused",
		"plan 10.0.0.11 down 0, 10.0.0.12 down 0",
		"HF3001 backend 10.0.0.12:443 is up: HTTP 200 in 3 ms",
		"HF3012 service web is served by its own backends",
		"plan 10.0.0.11 down 0, 10.0.0.12 up 1")
}

// A node that was cut off found everything down. It believes the holder that it
// takes over from, until its own checks speak again, or for a bound.
func TestPool_LeadsWithoutWhatItSawWhileItWasCutOff(t *testing.T) {
	backends := []Backend{backend(a), backend(b), backend(c)}
	holder := start(t, service(backends...)).up(a, b).down(c)
	standby := start(t, service(backends...)).down(a, b, c).step(Followed{holder.pool.View()}).quiet()
	standby.step(Led{}).says()
	standby.up(a).down(c).says()
	// b is down for this node, and stays so: in the end that counts.
	standby.after(Trust - time.Second).says()
	standby.after(time.Second).says(
		"HF3003 backend 10.0.0.12:443 is down: HTTP 503 in 12 ms, wanted 200",
		"plan 10.0.0.11 up 1, 10.0.0.12 down 0, 10.0.0.13 down 0")
	// What it doubted is not forgotten where another node holds meanwhile.
	standby.step(Followed{holder.pool.View()}).step(Led{}).step(Followed{holder.pool.View()}).step(Led{}).quiet()
	standby.after(Trust).says(
		"HF3003 backend 10.0.0.12:443 is down: HTTP 503 in 12 ms, wanted 200",
		"plan 10.0.0.11 up 1, 10.0.0.12 down 0, 10.0.0.13 down 0")
}

func TestPool_SlowStartGoesOnAtTheNextHolder(t *testing.T) {
	s := maglevService(backend(a), backend(b))
	s.SlowStart = 90 * time.Second
	holder := start(t, s).up(a, b).down(a).up(a).after(42 * time.Second)
	standby := start(t, s).up(a, b)
	standby.now = holder.now
	standby.step(Followed{holder.pool.View()})
	if holder.pool.Plan().Digest() != standby.pool.Plan().Digest() {
		t.Fatal("digests differ")
	}
	if due := standby.pool.Deadline(); !due.IsZero() {
		t.Errorf("a standby has a deadline of its own at %v", due)
	}
	standby.step(Led{})
	if got := standby.pool.Plan().Targets[0].Weight; got != 50 {
		t.Errorf("weight %d of 100 at the next holder, want 50", got)
	}
	if standby.after(50 * time.Second); standby.pool.Plan().Targets[0].Weight != 100 {
		t.Errorf("weight %d at the end", standby.pool.Plan().Targets[0].Weight)
	}
}

func TestPool_SaysOnceThatItsTableIsAnother(t *testing.T) {
	holder := start(t, maglevService(backend(a), backend(b), backend(c))).up(a, b, c)
	standby := start(t, maglevService(backend(a), backend(b))).up(a, b).quiet()
	view := Followed{holder.pool.View()}
	standby.step(view).step(view).says("HF3013 service web: the holder's table is another one: the files of the nodes differ, or the cluster's seed does")
	standby.step(Configured{maglevService(backend(a), backend(b), backend(c))}).quiet()
	standby.step(view).quiet().step(view).says()
}

func TestPlan_DigestIsOfWhereFlowsGo(t *testing.T) {
	plan := func(change func(*bench)) [32]byte {
		w := start(t, maglevService(backend(a), backend(b))).up(a, b)
		change(w)
		return w.pool.Plan().Digest()
	}
	first := plan(func(*bench) {})
	for _, tt := range []struct {
		name   string
		change func(*bench)
		same   bool
	}{
		{"later generation", func(w *bench) { w.down(a).up(a) }, true},
		{"one that was removed has flows", func(w *bench) {
			w.step(Configured{maglevService(backend(a), backend(b), backend(c))}).up(c).counted(map[netip.AddrPort]uint64{c: 1})
			w.step(Configured{maglevService(backend(a), backend(b))})
		}, true},
		{"weight", func(w *bench) { w.step(Weighed{Backend: a, Weight: 2}) }, false},
		{"down", func(w *bench) { w.down(a) }, false},
		{"prefix of sources", func(w *bench) {
			s := maglevService(backend(a), backend(b))
			s.Sources = [2]uint8{24, 64}
			w.step(Configured{s})
		}, false},
	} {
		if got := plan(tt.change) == first; got != tt.same {
			t.Errorf("%s: the digest is the same: %t, want %t", tt.name, got, tt.same)
		}
	}
}
