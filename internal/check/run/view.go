package run

import (
	"cmp"
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/internal/check"
)

// View is one check for people. It shares nothing with the runner.
type View struct {
	Name string
	Kind check.Kind
	Text string // what was seen last
	check.View
}

// Views copies the facts of all checks, sorted by name.
func (r *Runner) Views() []View {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]View, 0, len(r.items)+len(r.made))
	for name, it := range r.items {
		v := it.machine.View()
		out = append(out, View{Name: name, Kind: it.spec.Kind, Text: text(v), View: v})
	}
	for _, c := range r.made {
		_, t := check.Compose(c.spec.Kind, r.member)
		out = append(out, View{Name: c.spec.Name, Kind: c.spec.Kind, Text: t, View: check.View{
			State: c.state, Since: c.since, Counts: check.Counts{Changes: c.changes},
		}})
	}
	slices.SortFunc(out, func(a, b View) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// Figures tell how the runner itself does.
type Figures struct {
	Looks   uint64        // begun
	Hung    uint64        // given up
	Hanging int           // given up, and not back yet
	Busy    int           // under way, hanging ones not counted
	Late    time.Duration // the longest that a look began after it was due, since it was asked last
}

func (f *Figures) late(d time.Duration) {
	f.Looks++
	f.Late = max(f.Late, d)
}

// Figures copies the figures and forgets the longest delay.
func (r *Runner) Figures() Figures {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := r.figures
	f.Busy = r.work.busy
	r.figures.Late = 0
	return f
}
