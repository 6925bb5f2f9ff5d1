package fence

import (
	"slices"
	"time"
)

// View is what a person may want to know of the fencing of a node.
type View struct {
	Node    string
	State   State
	Since   time.Time // zero: always
	Due     time.Time // of what is waited for
	Why     string
	Waiting []string // the groups that wait for it
	Fenced  string   // how it was
	Failure string   // the last one
	Levels  [][]string
}

// Views shows all nodes, sorted as they were given.
func (f *Fencer) Views() []View {
	out := make([]View, len(f.nodes))
	for i, t := range f.nodes {
		out[i] = View{
			Node: t.name, State: t.state, Since: t.since, Due: t.due, Why: t.why, Waiting: slices.Clone(t.waiters),
			Fenced: t.fenced, Failure: t.failure, Levels: f.cfg.Nodes[t.name],
		}
	}
	return out
}

// Fenced reports whether a node is, and was not heard since.
func (f *Fencer) Fenced(node string) bool { return f.target(node).fenced != "" }

// Still reports whether no agent runs and nobody waits.
func (f *Fencer) Still() bool {
	return !slices.ContainsFunc(f.nodes, func(t *target) bool { return t.state == Running || t.state == Waiting })
}

// Reconfigure gives the fencer another file. What runs, goes on by the old one.
func (f *Fencer) Reconfigure(cfg Config) *Fencer {
	next := New(cfg)
	for _, t := range f.nodes {
		if t.fenced != "" && t.state == Fenced {
			n := next.target(t.name)
			n.state, n.fenced, n.since, n.why = t.state, t.fenced, t.since, t.why
		}
	}
	next.runs = f.runs
	return next
}
