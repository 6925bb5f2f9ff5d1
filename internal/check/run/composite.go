package run

import (
	"time"

	"github.com/holdfast-net/holdfast/internal/check"
)

// composite is a check that is made of others.
type composite struct {
	spec    check.Spec
	state   check.State
	since   time.Time
	changes uint64
	told    bool
}

// make lists the composed checks among specs, each after what it is made of,
// and keeps the state of those that are the same.
func (r *Runner) make(now time.Time, specs []check.Spec) {
	old := map[string]*composite{}
	for _, c := range r.made {
		old[c.spec.Name] = c
	}
	byName := map[string]check.Spec{}
	for _, s := range specs {
		byName[s.Name] = s
	}
	r.made = nil
	done := map[string]bool{}
	var add func(s check.Spec)
	add = func(s check.Spec) {
		members := check.Members(s.Kind)
		if members == nil || done[s.Name] {
			return
		}
		done[s.Name] = true
		for _, m := range members {
			add(byName[m])
		}
		c := old[s.Name]
		if c == nil || c.spec.Kind.Word() != s.Kind.Word() || c.spec.Kind.Target() != s.Kind.Target() {
			c = &composite{spec: s, since: now}
		}
		r.made = append(r.made, c)
	}
	for _, s := range specs {
		add(s)
	}
}

// compose finds the states of the composed checks and tells what changed.
func (r *Runner) compose(now time.Time) {
	for _, c := range r.made {
		to, text := check.Compose(c.spec.Kind, r.member)
		if to == c.state && c.told {
			continue
		}
		change := check.Change{From: c.state, To: to, Text: text}
		if c.state != check.Pending {
			c.changes++
		}
		c.state, c.since, c.told = to, now, true
		r.opt.Tell(c.spec.Name, change)
	}
}

// member is what a composed check wants to know of another check.
func (r *Runner) member(name string) (check.State, string) {
	if it := r.items[name]; it != nil {
		v := it.machine.View()
		return v.State, text(v)
	}
	for _, c := range r.made {
		if c.spec.Name == name {
			_, t := check.Compose(c.spec.Kind, r.member)
			return c.state, t
		}
	}
	return check.Pending, "there is no such check"
}

func text(v check.View) string {
	if v.LastAt.IsZero() {
		return "no result yet"
	}
	return v.Last.Text
}
