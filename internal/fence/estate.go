package fence

import "time"

// Estate is what one fencer that is [Fencer.Still] leaves to the next, with
// another file or in another process: which nodes are fenced, and what came of
// the last tries.
type Estate struct{ Nodes []NodeEstate }

// NodeEstate is that of a node.
type NodeEstate struct {
	Node    string
	Fenced  string    `json:",omitempty"` // how it is; empty: it is not
	Failure string    `json:",omitempty"`
	Why     string    `json:",omitempty"`
	Since   time.Time // of being fenced
	Asked   time.Time
	Rounds  int
	Last    Attempt
}

// Estate draws it up.
func (f *Fencer) Estate() Estate {
	var e Estate
	for _, t := range f.nodes {
		n := NodeEstate{Node: t.name, Failure: t.failure, Why: t.why, Since: t.since, Asked: t.asked, Rounds: t.rounds, Last: t.last}
		if t.state == Fenced {
			n.Fenced = t.fenced
		}
		e.Nodes = append(e.Nodes, n)
	}
	return e
}

// Inherit makes a new fencer go on with an estate. Nodes that are neither in its
// file nor fenced are left out.
func (f *Fencer) Inherit(e Estate) {
	for _, n := range e.Nodes {
		if _, known := f.cfg.Nodes[n.Node]; !known && n.Fenced == "" {
			continue
		}
		t := f.target(n.Node)
		t.why, t.failure, t.since, t.asked, t.rounds, t.last = n.Why, n.Failure, n.Since, n.Asked, n.Rounds, n.Last
		if n.Fenced != "" {
			t.state, t.fenced = Fenced, n.Fenced
		}
	}
}
