package engine

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"time"

	"github.com/holdfast-net/holdfast/bfd"
	"github.com/holdfast-net/holdfast/internal/check"
	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/group"
	"github.com/holdfast-net/holdfast/internal/sight"
	"github.com/holdfast-net/holdfast/internal/vote"
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
	e.tellWatchdog(now, u)
	e.tellLacks(now, u)
}

// forgetChecks drops the results of checks that are not in the file any more.
func (e *Engine) forgetChecks(checks []config.Check) {
	there := map[string]bool{dogCheck: true}
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

// Hearing is when another node was heard, for a check of it. Known is false
// where it never was.
type Hearing struct {
	At    time.Time
	Known bool
}

// Heard asks when the node with a name was heard last: by its hello in any group,
// as a voter of the cluster, which greets once a second, or as the holder of a
// lease, who renews it.
func (e *Engine) Heard(ctx context.Context, name string) (Hearing, error) {
	return Ask(ctx, e, func(now time.Time, answer func(Hearing)) {
		var h Hearing
		heard := func(at time.Time) {
			if at.After(h.At) {
				h = Hearing{At: at, Known: true}
			}
		}
		for _, u := range e.units {
			for _, r := range u.routers {
				if n, ok := r.table.Find(name); ok {
					heard(n.Heard)
				}
			}
			if u.lease != nil {
				if holder, at := u.lease.candidate.Heard(); holder == name {
					heard(now.Add(at.Sub(e.opt.Gate.Now())))
				}
			}
		}
		if e.votes != nil {
			for _, v := range e.votes.agent.Voters(vote.Instant(e.opt.Gate.Now())) {
				if v.Name == name && v.Heard >= 0 {
					heard(now.Add(-v.Heard))
				}
			}
		}
		answer(h)
	})
}

// Session asks for the state of the BFD session with a neighbour, on an
// interface or, with an empty name, on any. It is false where there is none.
func (e *Engine) Session(ctx context.Context, neighbour netip.Addr, ifname string) (bfd.State, bool, error) {
	type found struct {
		state bfd.State
		known bool
	}
	f, err := Ask(ctx, e, func(_ time.Time, answer func(found)) {
		var f found
		e.sights.set.Each(func(p sight.Path, s *bfd.Session) {
			if p.Peer.WithZone("") != neighbour.WithZone("") || f.known && f.state == bfd.Up {
				return
			}
			if ifname == "" || e.nameOf(Port(p.Link)) == ifname {
				f = found{s.State(), true}
			}
		})
		answer(f)
	})
	return f.state, f.known, err
}

// nameOf is the name of an interface that is in use.
func (e *Engine) nameOf(id Port) string {
	for name, p := range e.ports {
		if p.id == id {
			return name
		}
	}
	return ""
}
