package steps

import (
	"cmp"
	"slices"

	"github.com/holdfast-net/holdfast/internal/order"
)

// Running is a program of a step, while it runs.
type Running struct {
	Group, Step string
	Direction   order.Direction
	Argv        []string
	PID         int
}

// under notes what runs for a group; nil: nothing.
func (r *Runner) under(group string, u *Running) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if w := r.groups[group]; w != nil {
		w.under = u
	}
}

// Running lists the programs that run now, by group.
func (r *Runner) Running() []Running {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []Running
	for _, w := range r.groups {
		if w.under != nil {
			out = append(out, *w.under)
		}
	}
	slices.SortFunc(out, func(a, b Running) int { return cmp.Compare(a.Group, b.Group) })
	return out
}
