package engine

import (
	"fmt"
	"maps"
	"time"

	"github.com/holdfast-net/holdfast/internal/check"
	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/group"
)

// Checked tells what became of a check. It may be called from any goroutine;
// the news of one check is heard in order.
func (e *Engine) Checked(name string, c check.Change) {
	e.Post(func(now time.Time) { e.checked(now, name, c) })
}

func (e *Engine) checked(now time.Time, name string, c check.Change) {
	ev := group.Awaited(name)
	switch c.To {
	case check.Up:
		ev = group.Passed(name).Being(worth(c.Worth))
	case check.Down:
		ev = group.Failed(name, c.Text)
	}
	if ev.Await {
		if _, known := e.results[name]; known {
			// A check that begins anew, with other settings or in another
			// process, counts as it did until there is something new.
			return
		}
	} else {
		e.results[name] = ev
	}
	if c.From != c.To && (c.From != check.Pending || c.To == check.Down) {
		e.record(Record{Time: now, Record: group.Record{Kind: "check", Reason: fmt.Sprintf("check %s is %s: %s", name, c.To, c.Text)}})
	}
	for _, u := range e.sortedUnits() {
		if u.uses(name) {
			e.step(now, u, ev)
		}
	}
}

// worth is what a check says about how good it is, as groups count it.
func worth(w check.Worth) group.Worth {
	var out group.Worth
	if w.Weighted {
		out.Points = w.Weight
	}
	if w.Shared {
		out.Short = 100 - w.Share
	}
	return out
}

// tellChecks gives a unit the results of the checks that its groups use.
func (e *Engine) tellChecks(now time.Time, u *unit) {
	for _, g := range u.groups {
		for _, use := range g.Checks {
			ev, known := e.results[use.Check]
			if !known {
				ev = group.Awaited(use.Check)
			}
			e.step(now, u, ev)
		}
	}
}

// forgetChecks drops the results of checks that are not in the file any more.
func (e *Engine) forgetChecks(checks []config.Check) {
	there := map[string]bool{}
	for _, c := range checks {
		there[c.Name] = true
	}
	maps.DeleteFunc(e.results, func(name string, _ group.Event) bool { return !there[name] })
}

func (u *unit) uses(name string) bool {
	for _, g := range u.groups {
		for _, use := range g.Checks {
			if use.Check == name {
				return true
			}
		}
	}
	return false
}
