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
	Last    Attempt // zero: there was none
}

// Attempt is what came of a node's last fencing.
type Attempt struct {
	Began time.Time // when it was asked for
	Took  time.Duration
	OK    bool
	Level int    // that succeeded, or failed last, from 1; 0: a person's word, or none was tried
	Text  string // how, or why not
	Why   string // it was asked for
}

// Pending reports whether only a person can help now, or the next try: no level
// has cut the node off, and it was not heard since.
func (v *View) Pending() bool {
	return v.Failure != "" && v.State != Fenced && !v.Last.Began.IsZero() && !v.Last.OK
}

// note notes what came of it.
func (t *target) note(now time.Time, ok bool, level int, text string) {
	t.last = Attempt{Began: t.asked, Took: now.Sub(t.asked), OK: ok, Level: level, Text: text, Why: t.why}
}

// Views shows all nodes, sorted as they were given.
func (f *Fencer) Views() []View {
	out := make([]View, len(f.nodes))
	for i, t := range f.nodes {
		out[i] = View{
			Node: t.name, State: t.state, Since: t.since, Due: t.due, Why: t.why, Waiting: slices.Clone(t.waiters),
			Fenced: t.fenced, Failure: t.failure, Levels: f.cfg.Nodes[t.name], Last: t.last,
		}
	}
	return out
}

// Fenced reports whether a node is, and was not heard since.
func (f *Fencer) Fenced(node string) bool { return f.target(node).fenced != "" }

// Concerns reports whether it matters that a node is heard: it is fenced, or
// could not be.
func (f *Fencer) Concerns(node string) bool {
	t := f.target(node)
	return t.fenced != "" || t.failure != ""
}

// Still reports whether no agent runs and nobody waits.
func (f *Fencer) Still() bool {
	return !slices.ContainsFunc(f.nodes, func(t *target) bool { return t.state == Running || t.state == Waiting })
}

// Reconfigure gives the fencer another file. What runs, goes on by the old one.
func (f *Fencer) Reconfigure(cfg Config) *Fencer {
	next := New(cfg)
	next.Inherit(f.Estate())
	next.runs = f.runs
	return next
}
