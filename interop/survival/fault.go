package survival

import "github.com/holdfast-net/holdfast/internal/lab"

// Fault is something that happens while the first balancer holds the address, or
// what ends it.
type Fault struct {
	Name string
	do   func(s *Site, p Pair) error
	to   int // the balancer that has the address afterwards
}

// Faults are all of them, in the order in which they happen: after each pair of
// them the first balancer has the address again.
var Faults = []Fault{
	{"nothing", func(*Site, Pair) error { return nil }, 0},
	{"link cut", func(s *Site, _ Pair) error { return s.Balancers[0].Cut(lab.Carrier) }, 1},
	{"it returns", func(s *Site, _ Pair) error { return s.Balancers[0].Restore() }, 0},
	{"handover", func(_ *Site, p Pair) error { return p.Leave(0) }, 1},
	{"handed back", func(_ *Site, p Pair) error { return p.Return(0) }, 0},
	{"process killed", func(_ *Site, p Pair) error { return p.Kill(0) }, 1},
	{"started again", func(_ *Site, p Pair) error { return p.Start(0) }, 0},
	{"upgraded", func(_ *Site, p Pair) error { return p.Upgrade(0) }, 0},
	{"process frozen", func(_ *Site, p Pair) error { return p.Freeze(0) }, 1},
	{"it goes on", func(_ *Site, p Pair) error { return p.Thaw(0) }, 0},
}

// The small choice of faults, for a test of every day.
var fewFaults = []string{"nothing", "link cut", "it returns", "process killed", "started again"}
