package balance

import (
	"math/rand"
	"net/netip"
	"testing"
)

var listen = Endpoint{netip.MustParseAddrPort("192.0.2.10:443"), TCP}

func planOf(t *testing.T, scheduler Scheduler, backends ...Backend) *Plan {
	s := service(backends...)
	s.Scheduler = scheduler
	w := start(t, s)
	for _, x := range backends {
		w.up(x.Addr)
	}
	return w.pool.Plan()
}

func client(n int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, byte(n >> 8), byte(n)}), uint16(1024+n))
}

// With flows that do not end, every scheduler comes to the shares of the
// weights: 1, 2 and 3 of 6.
func TestPlan_PickFollowsWeights(t *testing.T) {
	for _, tt := range []struct {
		scheduler Scheduler
		within    float64 // of its share
	}{{RoundRobin, 0}, {LeastConnections, 0.001}, {TwoChoices, 0.01}, {SourceHash, 0.1}, {Maglev, 0.1}} {
		plan := planOf(t, tt.scheduler, backend(a, weight(1)), backend(b, weight(2)), backend(c, weight(3)))
		r := rand.New(rand.NewSource(5))
		var flows [3]uint64
		const n = 6000
		for i := range n {
			got := plan.Pick(Question{
				Except: NoPlace, Source: client(i), Listen: listen, Turn: uint32(i), Random: [2]uint32{r.Uint32(), r.Uint32()},
				Flows: func(place int) uint64 { return flows[place] },
			})
			flows[got.Place]++
		}
		for i, got := range flows {
			want := float64(n * (i + 1) / 6)
			if d := float64(got)/want - 1; d > tt.within || -d > tt.within {
				t.Errorf("%d: backend %d has %d flows, want %.0f", tt.scheduler, i, got, want)
			}
		}
	}
}

func TestPlan_PickPassesOverWhoIsFull(t *testing.T) {
	limited := func(b *Backend) { b.MaxFlows = 2 }
	for _, scheduler := range []Scheduler{RoundRobin, LeastConnections, TwoChoices, SourceHash, Maglev} {
		plan := planOf(t, scheduler, backend(a, limited), backend(b, limited), backend(c))
		flows := map[int]uint64{}
		for i := range 40 {
			got := plan.Pick(Question{Except: NoPlace, Source: client(i), Listen: listen, Turn: uint32(i), Random: [2]uint32{uint32(i), uint32(7 * i)}, Flows: func(p int) uint64 { return flows[p] }})
			if got.Place < 0 {
				t.Fatalf("%d: flow %d is refused: %+v", scheduler, i, got)
			}
			flows[got.Place]++
		}
		if flows[0] > 2 || flows[1] > 2 {
			t.Errorf("%d: %v flows, and two have a limit of 2", scheduler, flows)
		}
	}
	plan := planOf(t, RoundRobin, backend(a, limited))
	if got := plan.Pick(Question{Except: NoPlace, Flows: func(int) uint64 { return 2 }}); got.Place != -1 {
		t.Errorf("a flow over the limit goes to %d", got.Place)
	}
}

func TestPlan_PickOfNobody(t *testing.T) {
	plan := start(t, service(backend(a))).down(a).pool.Plan()
	if got := plan.Pick(Question{Except: NoPlace, Source: client(1), Listen: listen}); got.Place != -1 {
		t.Errorf("a flow goes to %d", got.Place)
	}
}

func TestPlan_PickSaysWhy(t *testing.T) {
	for scheduler, want := range map[Scheduler]string{
		RoundRobin:       "it is the turn of slot 1 of 2",
		LeastConnections: "it has the fewest flows for its weight: 0",
		SourceHash:       "the hash of 198.51.0.0/24 is slot 95 of 251",
		Maglev:           "the hash of the flow is slot 237 of 251",
	} {
		plan := planOf(t, scheduler, backend(a), backend(b))
		plan.Service.Sources = [2]uint8{24, 64}
		q := Question{Except: NoPlace, Source: client(1), Listen: listen, Turn: 5}
		if got := plan.Words(q, plan.Pick(q)); got != want {
			t.Errorf("%d: %q, want %q", scheduler, got, want)
		}
	}
}

func TestPool_ManyTargetsAreComparedTwoAtATime(t *testing.T) {
	var backends []Backend
	for i := range LeastTargets + 1 {
		backends = append(backends, backend(netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 1, byte(i)}), 80)))
	}
	if got := planOf(t, LeastConnections, backends...).Select; got != LeastOfTwo {
		t.Errorf("select %d for %d targets", got, len(backends))
	}
	if got := planOf(t, LeastConnections, backends[1:]...).Select; got != Least {
		t.Errorf("select %d for %d targets", got, len(backends)-1)
	}
}

func TestLighter_AtTheEdges(t *testing.T) {
	const heavy = 65535 * 100 // the greatest weight of a target
	if Lighter(1<<40, 100, 1<<40, 100) {
		t.Error("it is lighter than itself")
	}
	if !Lighter(1<<40, heavy, 1<<40, 1) || Lighter(1<<40, 1, 1<<40, heavy) {
		t.Error("the heavier of two with as many flows is not the lighter for its weight")
	}
}

// A proxy that could not connect asks again, and gets another one while there
// is one.
func TestPlan_PickExcept(t *testing.T) {
	for _, scheduler := range []Scheduler{RoundRobin, LeastConnections, TwoChoices, SourceHash, Maglev} {
		two, one := planOf(t, scheduler, backend(a), backend(b)), planOf(t, scheduler, backend(a))
		for i := range 50 {
			q := Question{Except: NoPlace, Source: client(i), Listen: listen, Turn: uint32(i), Random: [2]uint32{uint32(i), uint32(i)}}
			failed := two.Pick(q).Place
			q.Except = failed
			if got := two.Pick(q).Place; got == failed || got == NoPlace {
				t.Fatalf("%d: %d after %d failed", scheduler, got, failed)
			}
			q.Except = 0
			if got := one.Pick(q).Place; got != 0 {
				t.Fatalf("%d: %d where the only one failed", scheduler, got)
			}
		}
	}
}

func TestPlan_PickAllocatesNothing(t *testing.T) {
	flows := []uint64{1, 2, 3}
	count := func(place int) uint64 { return flows[place] }
	for _, scheduler := range []Scheduler{RoundRobin, LeastConnections, TwoChoices, SourceHash, Maglev} {
		plan := planOf(t, scheduler, backend(a), backend(b), backend(c))
		q := Question{Except: NoPlace, Source: client(1), Listen: listen, Flows: count}
		if n := testing.AllocsPerRun(100, func() { plan.Pick(q) }); n != 0 {
			t.Errorf("%d: %v allocations", scheduler, n)
		}
	}
}

func BenchmarkPick(b *testing.B) {
	s := service(backend(a), backend(c))
	s.Scheduler, s.TableSize = Maglev, 65537
	for i := range s.Backends {
		s.Backends[i].Checks = nil
	}
	pool := NewPool(Config{Service: s, Seed: seed})
	pool.Step(begin, Started{}, nil)
	q := Question{Except: NoPlace, Source: client(1), Listen: listen}
	b.ReportAllocs()
	for b.Loop() {
		pool.Plan().Pick(q)
	}
}
