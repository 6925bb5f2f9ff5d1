package vote

import (
	"encoding/json"
	"strings"
	"testing"
)

// Another process can go on with an Agent's estate at any time, between any two
// steps, and nobody can tell: whole runs of the model, with all their faults,
// are the same to the last hold. So what the model shows of one process, that
// there are never two holders, is true of one that is replaced again and again.
func TestEstate_GoesOnAsIfNothingHadBeen(t *testing.T) {
	n := uint64(60)
	if testing.Short() {
		n = 10
	}
	moves := 0
	for seed := uint64(1); seed <= n && !t.Failed(); seed++ {
		m := newModel(t, seed, false)
		m.run()
		r := newModel(t, seed, false)
		r.renewed = 1 + int(seed%3)
		r.run()
		if m.now != r.now || m.moves != r.moves || m.order != r.order {
			t.Errorf("seed %d: %d holds and %d occasions until %s; with processes that are replaced %d and %d until %s",
				seed, m.moves, m.order, m.now, r.moves, r.order, r.now)
		}
		moves += r.moves
	}
	t.Logf("%d holds", moves)
}

// renew replaces the process of a node every few steps.
func (m *model) renew(p *party) {
	if m.renewed == 0 {
		return
	}
	if m.steps++; m.steps%m.renewed != 0 {
		return
	}
	b, err := json.Marshal(p.agent.Estate())
	if err != nil {
		m.t.Fatal(err)
	}
	var e Estate
	if err := json.Unmarshal(b, &e); err != nil {
		m.t.Fatal(err)
	}
	a := m.newAgent(p, []byte("of another process, but for its estate"), 1, 0)
	if err := a.Inherit(&e); err != nil {
		m.t.Fatal(err)
	}
	if s := a.Open(m.key, m.term); s != p.sub {
		m.t.Fatalf("the group is subject %d, and was %d", s, p.sub)
	}
	p.agent = a
}

func TestEstate_OfAnotherClusterIsRefused(t *testing.T) {
	m := newModel(t, 1, false)
	a := m.newAgent(m.parties[0], []byte(strings.Repeat("s", 16)), 1, 0)
	b := m.newAgent(m.parties[1], []byte(strings.Repeat("s", 16)), 1, 0)
	e := a.Estate()
	if err := b.Inherit(&e); err == nil {
		t.Error("it goes on as another node")
	}
	e.Senders = nil
	if err := a.Inherit(&e); err == nil {
		t.Error("it goes on with an estate in which it is not")
	}
}
