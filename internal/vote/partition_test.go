package vote

import (
	"slices"
	"testing"
	"time"
)

// cluster is a model of nodes and witnesses in which nothing goes wrong but
// what the test cuts, and all nodes want.
func cluster(t *testing.T, seed uint64, nodes, witnesses int, ranks ...uint8) *model {
	m := newModel(t, seed, false)
	for len(m.parties) != nodes+witnesses || m.parties[nodes-1].agent == nil || witnesses > 0 && m.parties[nodes].voter == nil {
		seed += 100_000
		m = newModel(t, seed, false)
	}
	m.calm, m.lossy = 1000*time.Hour, true
	for i, p := range m.parties {
		if p.agent == nil {
			continue
		}
		if i < len(ranks) {
			p.rank = ranks[i]
		}
	}
	return m
}

func (m *model) allWant() {
	for _, p := range m.parties {
		if p.agent != nil {
			p.wants = true
			m.step(p, Event{Kind: Want, Subject: p.sub, Rank: p.rank})
		}
	}
}

// part cuts everything between two sides.
func (m *model) part(side []int) {
	for i := range m.parties {
		for j := range m.parties {
			if slices.Contains(side, i) != slices.Contains(side, j) {
				m.cut[[2]int{i, j}] = true
			}
		}
	}
}

// A partition that stays: the side with a majority has a holder within two
// terms, the other one has none.
func TestModel_Partition(t *testing.T) {
	for seed := range uint64(60) {
		for _, tt := range []struct {
			nodes, witnesses int
			side             []int // the one with the majority
		}{
			{2, 1, []int{0, 2}},
			{2, 1, []int{1, 2}},
			{2, 1, []int{0, 1}},
			{3, 0, []int{1, 2}},
			{3, 2, []int{2, 3, 4}},
			{3, 2, []int{0, 1, 2}},
			{5, 0, []int{2, 3, 4}},
			{4, 1, []int{3, 0, 4}},
		} {
			m := cluster(t, seed, tt.nodes, tt.witnesses)
			m.allWant()
			m.runUntil(3 * m.term)
			m.part(tt.side)
			m.runUntil(m.now + 2*m.term)
			h := m.holder()
			if h == nil || !slices.Contains(tt.side, h.at) {
				t.Errorf("seed %d, %d+%d: with %v on one side, the holder is %v", seed, tt.nodes, tt.witnesses, tt.side, h)
				continue
			}
			// And when it heals, it stays where it is.
			moves := m.moves
			clear(m.cut)
			m.runUntil(m.now + 5*m.term)
			if m.holder() != h || m.moves != moves {
				t.Errorf("seed %d, %d+%d: it moved when the network healed", seed, tt.nodes, tt.witnesses)
			}
		}
	}
}

// The best candidate reaches one voter beside its own, and the other four
// could elect one of them: they do not wait for it for ever.
func TestModel_BestIsCutOff(t *testing.T) {
	worst := 0.0
	for seed := range uint64(60) {
		m := cluster(t, seed, 5, 0, 254, 1, 2, 3, 4)
		for i := 2; i < 5; i++ {
			m.cut[[2]int{0, i}], m.cut[[2]int{i, 0}] = true, true
		}
		m.allWant()
		for m.holder() == nil && m.now < 30*m.term {
			m.runUntil(m.now + m.term/20)
		}
		took := float64(m.now) / float64(m.term)
		worst = max(worst, took)
		if took > 4 {
			t.Errorf("seed %d: it took %.1f terms", seed, took)
		}
	}
	t.Logf("at most %.1f terms", worst)
}

// Two candidates that do not hear each other, and a voter between them that
// hears both: one of them wins, and stays.
func TestModel_OneWay(t *testing.T) {
	for seed := range uint64(60) {
		m := cluster(t, seed, 2, 1)
		m.cut[[2]int{0, 1}] = true // what 0 says does not reach 1
		m.cut[[2]int{1, 2}] = seed%2 == 0
		m.allWant()
		m.runUntil(6 * m.term)
		h, moves := m.holder(), m.moves
		m.runUntil(m.now + 5*m.term)
		if h == nil || m.holder() != h || m.moves != moves {
			t.Errorf("seed %d: the holder was %v, and is %v after %d moves", seed, h, m.holder(), m.moves-moves)
		}
	}
}

// The best candidate is deaf: what it asks arrives, and no answer comes back.
// It pins the votes of all others, until it gives up; then one of them holds,
// and stays.
func TestModel_Deaf(t *testing.T) {
	worst := 0.0
	for seed := range uint64(60) {
		m := cluster(t, seed, 3, 0, 254, 1, 2)
		m.parties[0].wants = true
		m.runUntil(3 * time.Second) // it hears them well enough to get its tokens
		m.cut[[2]int{1, 0}], m.cut[[2]int{2, 0}] = true, true
		from := m.now
		m.step(m.parties[0], Event{Kind: Want, Subject: m.parties[0].sub, Rank: 254})
		m.runUntil(m.now + 5*time.Millisecond)
		m.allWant()
		for m.holder() == nil && m.now < from+30*m.term {
			m.runUntil(m.now + m.term/20)
		}
		took := float64(m.now-from) / float64(m.term)
		worst = max(worst, took)
		if took > 3 || m.holder() == m.parties[0] {
			t.Errorf("seed %d: after %.1f terms %v holds", seed, took, m.holder())
			continue
		}
		moves := m.moves
		if m.runUntil(m.now + 10*m.term); m.moves != moves {
			t.Errorf("seed %d: the holder did not stay", seed)
		}
	}
	t.Logf("at most %.1f terms", worst)
}
