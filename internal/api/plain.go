package api

import "slices"

// The documents promise lists, also empty ones, and never null. These give
// copies that keep the promise; what they were made from is shared and stays
// as it is.

// Plain returns s without null lists.
func (s *Status) Plain() *Status {
	out := *s
	out.Groups = slices.Clone(list(s.Groups))
	for i := range out.Groups {
		g := &out.Groups[i]
		g.Addresses, g.Checks, g.Peers = list(g.Addresses), list(g.Checks), list(g.Peers)
		g.Routers = slices.Clone(list(g.Routers))
		for k := range g.Routers {
			r := &g.Routers[k]
			r.Addresses = list(r.Addresses)
			if r.GateDrops == nil {
				r.GateDrops = map[string]uint64{}
			}
			if r.Counters == nil {
				r.Counters = map[string]uint64{}
			}
		}
	}
	out.Warnings, out.Links, out.Checks = list(s.Warnings), list(s.Links), list(s.Checks)
	return &out
}

// Plain returns p without null lists.
func (p Plan) Plain() Plan {
	p.Changes, p.Diagnostics = list(p.Changes), list(p.Diagnostics)
	return p
}

func list[T any](l []T) []T {
	if l == nil {
		return []T{}
	}
	return l
}

// Failed says whether the file that the plan is about cannot be used.
func (p Plan) Failed() bool {
	return slices.ContainsFunc(p.Diagnostics, func(d Diagnostic) bool { return d.Severity == SeverityError })
}

// Severities of a Diagnostic.
const (
	SeverityError   = "error"
	SeverityWarning = "warning"
)
