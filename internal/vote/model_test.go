package vote

import (
	"flag"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	seeds   = flag.Int("vote.seeds", 0, "seeds of the model test; 0: as many as the tier wants")
	oneSeed = flag.Uint64("vote.seed", 0, "one seed of the model test, with its story")
)

// Never two holders, whatever happens, and one soon after it ends.
func TestModel(t *testing.T) {
	if *oneSeed != 0 {
		newModel(t, *oneSeed, true).run()
		return
	}
	n := *seeds
	switch {
	case n > 0:
	case testing.Short():
		n = 300
	default:
		n = 1500
	}
	var next, moves atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for !t.Failed() {
				seed := next.Add(1)
				if seed > int64(n) {
					return
				}
				m := newModel(t, uint64(seed), false)
				m.run()
				moves.Add(int64(m.moves))
				if m.failed {
					t.Logf("again with its story: go test ./internal/vote -run TestModel -vote.seed %d -v", seed)
				}
			}
		})
	}
	wg.Wait()
	t.Logf("%d seeds, %d holds", n, moves.Load())
}

// Nodes that want at once, with an even number of voters and nothing promised:
// the votes are split at first, and soon are not.
func TestModel_Race(t *testing.T) {
	worst := 0.0
	for seed := range uint64(2000) {
		m := newModel(t, seed, false)
		m.term = 3 * time.Second
		for _, p := range m.parties {
			if p.agent != nil {
				p.sub, p.wants = p.agent.Open(m.key, m.term), true
				m.at(time.Second+time.Duration(m.rand.IntN(500))*time.Microsecond, func() {
					m.step(p, Event{Kind: Want, Subject: p.sub, Rank: p.rank})
				})
			}
		}
		m.runUntil(time.Second)
		for m.holder() == nil && m.now < 30*time.Second && !m.failed {
			m.runUntil(m.now + 10*time.Millisecond)
		}
		took := m.now - time.Second
		worst = max(worst, took.Seconds()/m.term.Seconds())
		if took > m.term/2 {
			t.Errorf("seed %d: %d parties have a holder after %s", seed, len(m.parties), took)
		}
	}
	t.Logf("at most %.2f terms", worst)
}

// A holder keeps its majority though datagrams get lost: what is not answered
// is asked again long before a promise runs out.
func TestModel_Loss(t *testing.T) {
	for _, loss := range []float64{0.1, 0.3, 0.5} {
		held, all := 0, 0
		for seed := range uint64(20) {
			m := newModel(t, 1000+seed, false)
			m.calm, m.loss, m.lossy = 1000*time.Hour, loss, true
			for _, p := range m.parties {
				if p.agent != nil {
					m.step(p, Event{Kind: Want, Subject: p.sub, Rank: p.rank})
					p.wants = true
				}
			}
			m.runUntil(20 * m.term)
			for range 500 {
				m.runUntil(m.now + m.term/10)
				if all++; m.holder() != nil {
					held++
				}
			}
		}
		share := float64(held) / float64(all)
		t.Logf("%.0f %% lost: held %.2f %% of the time", 100*loss, 100*share)
		if share < map[float64]float64{0.1: 0.9995, 0.3: 0.995, 0.5: 0.96}[loss] {
			t.Errorf("with %.0f %% of all datagrams lost, there is a holder %.1f %% of the time", 100*loss, 100*share)
		}
	}
}
