package mirror

import (
	"testing"
	"time"
)

// In a planned move both nodes see packets for a while. No flow may come after it
// was said that none comes.
func TestMachine_SettlesAfterTheNewsOfAMove(t *testing.T) {
	for seed := range uint64(*seeds) {
		w := newWorld(t, seed, 2+int(seed%2))
		for i := range 50 {
			w.nodes[0].begin(web, client(i), 1)
		}
		w.take(0)
		w.run(8 * time.Second)
		from := 0
		for move := range 4 {
			to := (from + 1) % len(w.nodes)
			a, b := w.nodes[from], w.nodes[to]
			begun := w.now
			b.held = true
			b.step(Held{Addr: vip, Held: true})
			for i := range 20 { // what reaches the one before it still
				a.in(w.some(300*time.Millisecond), func() { a.begin(web, client(100*move+60+i), 1) })
			}
			gone := w.some(400 * time.Millisecond)
			a.in(gone, func() {
				a.held = false
				a.step(Held{Addr: vip})
			})
			w.run(3 * time.Second)
			at, settled := b.settled[web]
			switch {
			case !settled:
				t.Fatalf("seed %d, move %d: 3 s later %s waits for news still", seed, move, b.name())
			case at.Sub(begun) < gone+lull:
				t.Errorf("seed %d, move %d: %s settled after %s; the other one let go after %s", seed, move, b.name(), at.Sub(begun), gone)
			case len(b.late) > 0:
				t.Fatalf("seed %d, move %d: flows came later: %v", seed, move, b.late)
			}
			if _, still := a.settled[web]; still {
				t.Errorf("seed %d, move %d: %s, which does not hold any more, is settled", seed, move, a.name())
			}
			from = to
		}
	}
}

// A holder that is cut off says nothing. It is not waited for until its connection
// is given up.
func TestMachine_SettlesBesideOneThatIsCutOff(t *testing.T) {
	w := newWorld(t, 1, 2)
	a, b := w.nodes[0], w.nodes[1]
	w.take(0)
	w.run(8 * time.Second)
	w.cut[pair(0, 1)] = true
	w.run(300 * time.Millisecond)
	begun := w.now
	b.held = true
	b.step(Held{Addr: vip, Held: true})
	w.run(4 * time.Second)
	at, settled := b.settled[web]
	if after := at.Sub(begun); !settled || after < lull || after > quiet {
		t.Fatalf("settled: %t, after %s", settled, after)
	}
	// It is heard again, and believes to hold still: nothing is certain.
	w.cut[pair(0, 1)] = false
	w.breakAll(func(*conn) bool { return true })
	w.run(2 * time.Second)
	for _, n := range w.nodes {
		if _, settled := n.settled[web]; settled {
			t.Errorf("%s is settled beside another holder", n.name())
		}
	}
	a.held = false
	a.step(Held{Addr: vip})
	w.run(2 * time.Second)
	if _, settled := b.settled[web]; !settled {
		t.Error("the other one has let go, and it is not settled")
	}
}

// Alone, nobody is waited for but packets on their way.
func TestMachine_SettlesAlone(t *testing.T) {
	w := newWorld(t, 1, 1)
	w.take(0)
	w.run(lull - time.Millisecond)
	if _, settled := w.nodes[0].settled[web]; settled {
		t.Error("settled at once")
	}
	w.run(2 * time.Millisecond)
	if _, settled := w.nodes[0].settled[web]; !settled {
		t.Error("not settled")
	}
	w.nodes[0].step(Configured{})
	if len(w.nodes[0].settled) > 0 {
		t.Error("settled for a service that is gone")
	}
}
