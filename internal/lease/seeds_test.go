package lease

import (
	"flag"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	seeds  = flag.Int("seeds", seedsByDefault(), "how many seeds to run; HOLDFAST_LEASE_SEEDS sets it as well")
	first  = flag.Uint64("first", 1, "the first seed")
	replay = flag.Uint64("replay", 0, "run this seed alone and show what happens")
)

func seedsByDefault() int {
	if n, err := strconv.Atoi(os.Getenv("HOLDFAST_LEASE_SEEDS")); err == nil {
		return n
	}
	return 500
}

// play runs a plan and returns what was wrong.
func play(p plan, trace func(string)) []string {
	w := newWorld(p)
	w.trace = trace
	for i := range p.machines {
		w.tell("n%d: %+v", i, p.machines[i])
	}
	for _, f := range p.faults {
		w.at(f.at, func() {
			w.tell("FAULT %s", f.text)
			f.do(w)
		})
	}
	w.run(p.end)
	w.tell("the faults end")
	w.faults = false
	w.recover()
	return w.problems
}

// recover checks that a store that works has a holder in bounded time, and
// that it stays one.
func (w *world) recover() {
	term := w.plan.longest()
	for _, m := range w.machines {
		if m.proc.dead {
			m.start()
		}
		if !m.proc.wants {
			m.proc.want()
		}
	}
	// What was under way: outages, pauses, late answers, nodes that are barred
	// or stay away for a while.
	w.run(w.now.Add(25 * term))
	from := w.now
	for w.holder() == nil && w.now < from.Add(3*term) && len(w.problems) == 0 {
		w.run(w.now.Add(term / 50))
	}
	if w.holder() == nil {
		w.problem("nobody holds, though everything works")
		return
	}
	// Now who would rather hold gets it, and then it stays.
	w.run(w.now.Add(30*term + 10*time.Second))
	h := w.holder()
	if h == nil {
		w.problem("nobody holds any more")
		return
	}
	number := h.epoch
	for range 50 {
		w.run(w.now.Add(term / 5))
		if w.holder() != h || h.epoch != number {
			w.problem("%s lost epoch %d though everything works", h.name, number)
			return
		}
	}
	for i, m := range w.plan.machines {
		if m.preempt && m.priority > h.priority() && !w.record.Chosen {
			w.problem("%s holds, and n%d is better", h.name, i)
		}
	}
}

func (w *world) holder() *machine {
	for _, m := range w.machines {
		if m.gate > m.clock() {
			return m
		}
	}
	return nil
}

// TestSeeds_KeepEveryPromise plays one random run for each seed: never two
// holds at an instant, epochs that grow, and a holder where the store works.
func TestSeeds_KeepEveryPromise(t *testing.T) {
	t.Parallel()
	if *replay != 0 {
		for _, p := range play(randomPlan(*replay), func(s string) { t.Log(s) }) {
			t.Error(p)
		}
		return
	}
	var (
		next, opened, bad atomic.Uint64
		cores             sync.WaitGroup
	)
	begun := time.Now()
	defer debug.SetGCPercent(debug.SetGCPercent(800)) // everything is short-lived
	for range runtime.GOMAXPROCS(0) {
		cores.Go(func() {
			for bad.Load() < 3 {
				n := next.Add(1) - 1
				if n >= uint64(*seeds) {
					return
				}
				seed := *first + n
				for _, p := range play(randomPlan(seed), nil) {
					bad.Add(1)
					t.Errorf("seed %d: %s\nto see it again: go test ./internal/lease -run TestSeeds_Keep -replay %d", seed, p, seed)
				}
				opened.Add(1)
			}
		})
	}
	cores.Wait()
	t.Logf("%d runs in %s", opened.Load(), time.Since(begun).Round(time.Millisecond))
}

// The simulation is worth what it notices: each rule is broken once.
func TestSeeds_NoticeABrokenRule(t *testing.T) {
	for name, m := range map[string]mutant{
		"a hold is counted from the answer":               {fromAnswer: true},
		"the store replaces whatever is there":            {unconditional: true},
		"a lease is given back before the gate is closed": {opensLate: true},
		"a challenger waits for half of a term":           {hasty: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := uint64(1); seed <= 2000; seed++ {
				p := randomPlan(seed)
				p.mutant = m
				if m.hasty {
					for i := range p.machines[1:] {
						p.machines[i+1].rate = 2
					}
				}
				if got := play(p, nil); len(got) > 0 {
					t.Logf("seed %d: %s", seed, got[0])
					return
				}
			}
			t.Error("2000 seeds have not noticed")
		})
	}
}
