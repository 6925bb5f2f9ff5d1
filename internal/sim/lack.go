package sim

import (
	"time"

	"github.com/holdfast-net/holdfast/internal/group"
)

// lack is something that the groups of a node lack, from every start of its
// process on.
type lack struct {
	of    group.For
	wait  time.Duration
	again bool
}

// Lack has a node's groups lack something.
func (w *World) Lack(n *node, what string, l lack) {
	if n.lacks == nil {
		n.lacks = map[string]lack{}
	}
	n.lacks[what] = l
	n.post(func() { w.tellLack(n, what) })
}

func (w *World) tellLack(n *node, what string) {
	l, known := n.lacks[what]
	if !known {
		return // they have it by now
	}
	now := n.clock.at(w.now)
	told := group.Lack{What: what, For: l.of, Until: now.Add(l.wait), Why: "so the simulation says"}
	if l.again {
		told.Again = l.wait
	}
	for _, u := range n.units {
		for _, g := range n.sets[u.index].Groups {
			w.step(n, u, group.Unready(g.Name, told))
		}
	}
}

// Ready has them have it.
func (w *World) Ready(n *node, what string) {
	if !n.lacks[what].again {
		delete(n.lacks, what)
	}
	n.post(func() {
		for _, u := range n.units {
			for _, g := range n.sets[u.index].Groups {
				w.step(n, u, group.Ready(g.Name, what))
			}
		}
	})
}

// readLack reads what a node lacks, or has now.
func (s *script) readLack(r *reader, verb string) func(*World) {
	n, what := s.node(r), r.word()
	if verb == "ready" {
		return func(w *World) { w.Ready(w.nodes[n], what) }
	}
	l := lack{of: group.Preempting}
	if r.either("claiming", "preempting") {
		l.of = group.Claiming
	}
	l.wait = r.duration()
	l.again = r.next("again")
	return func(w *World) { w.Lack(w.nodes[n], what, l) }
}
