package engine

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/internal/fence"
	"github.com/holdfast-net/holdfast/internal/group"
	"github.com/holdfast-net/holdfast/internal/lease"
)

// Agents run what a fencer asks for. Do never blocks; how runs ended comes by
// [Engine.FenceRan].
type Agents interface {
	Do([]fence.Action)
}

// guard does what is due for the watchdog and for lost nodes.
func (e *Engine) guard(now time.Time) {
	f := &e.fencing
	f.units = slices.DeleteFunc(f.units, func(u *unit) bool {
		if u.secure != nil && !u.set.Securing() { // the claim was called off
			u.secure = nil
			e.fence(now, fence.Drop(u.groups[0].Name))
		}
		return u.secure == nil
	})
	if !f.look.After(now) {
		e.walkDog(now)
	}
	if f.fencer == nil {
		return
	}
	f.renew()
	if d := f.fencer.Deadline(); !d.IsZero() && !d.After(now) {
		e.fence(now, fence.Tick())
	}
}

// secure does what has to be done before a unit may hold.
func (e *Engine) secure(now time.Time, u *unit, why string) {
	if !u.set.Securing() {
		return
	}
	lost := e.lostHolders(u)
	if wait := u.unheard(now); len(lost) > 0 && wait > 0 {
		e.later(now.Add(wait), func(now time.Time) {
			if e.units[u.id] == u && u.secure == nil {
				e.secure(now, u, why)
			}
		})
		return
	}
	u.secure = &securing{why: why, lost: lost}
	if !slices.Contains(e.fencing.units, u) {
		e.fencing.units = append(e.fencing.units, u)
	}
	if u.asks(wantsWatchdog) && e.opt.Watchdog == nil {
		e.answerSecure(now, u, errNoWatchdog)
		return
	}
	e.walkDog(now)
	e.secureNext(now, u)
}

// secureNext goes on with it: the watchdog first, as it costs nobody anything.
func (e *Engine) secureNext(now time.Time, u *unit) {
	f := &e.fencing
	if u.asks(wantsWatchdog) && (f.dog == nil || !f.dog.Awake()) {
		return
	}
	for _, node := range slices.Clone(u.secure.lost) {
		e.fence(now, fence.Want(node, u.groups[0].Name, u.secure.why, e.holdsAny()))
		if u.secure == nil {
			return // it could not be
		}
	}
	if len(u.secure.lost) == 0 {
		e.answerSecure(now, u, nil)
	}
}

// answerSecure tells the unit's set.
func (e *Engine) answerSecure(now time.Time, u *unit, err error) {
	u.secure = nil
	if err != nil {
		e.step(now, u, group.Insecure(err.Error()))
	} else {
		e.step(now, u, group.Secured())
	}
	// Who was fenced for it is forgotten by now; who has spoken meanwhile need
	// not be fenced any more.
	e.fence(now, fence.Drop(u.groups[0].Name))
}

// holdsAny reports whether this node holds anything.
func (e *Engine) holdsAny() bool {
	for _, u := range e.units {
		if u.set.State() == group.Active {
			return true
		}
	}
	return false
}

// fence steps the fencer and carries out its answer.
func (e *Engine) fence(now time.Time, ev fence.Event) {
	f := &e.fencing
	if f.fencer == nil {
		return
	}
	acts := f.fencer.Step(now, ev, nil)
	for i := range acts {
		switch a := &acts[i]; a.Kind {
		case fence.ActionRecord:
			e.record(Record{Time: now, Record: group.Record{Kind: "fence", Code: a.Code, Reason: a.Text}})
		case fence.ActionDone:
			e.fenced(now, a)
		}
	}
	if e.opt.Agents != nil {
		e.opt.Agents.Do(acts)
	}
}

// fenced tells who waited for a node.
func (e *Engine) fenced(now time.Time, a *fence.Action) {
	if answer := e.fencing.wait[a.Who]; answer != nil {
		delete(e.fencing.wait, a.Who)
		answer(CommandResult{OK: a.OK, Text: fenceText(a)})
		e.Post(func(now time.Time) { e.fence(now, fence.Drop(a.Who)) })
		return
	}
	for _, u := range e.units {
		if u.secure == nil || u.groups[0].Name != a.Who {
			continue
		}
		if !a.OK {
			e.afterwards(u, func(now time.Time) {
				if u.secure != nil {
					e.answerSecure(now, u, errors.New(fenceText(a)))
				}
			})
			return
		}
		node := a.Node
		e.afterwards(u, func(time.Time) {
			if u.lease != nil {
				e.leaseEvent(u, lease.Settled(node))
			}
		})
		e.settled(u, node)
	}
}

// settled goes on once nobody is lost any more for whom a unit waits.
func (e *Engine) settled(u *unit, node string) {
	if u.secure == nil {
		return
	}
	u.secure.lost = slices.DeleteFunc(u.secure.lost, func(n string) bool { return n == node })
	e.afterwards(u, func(now time.Time) {
		if u.secure != nil && len(u.secure.lost) == 0 {
			e.secureNext(now, u)
		}
	})
}

func fenceText(a *fence.Action) string {
	if a.OK {
		return fmt.Sprintf("%s is fenced: %s", a.Node, a.Text)
	}
	return fmt.Sprintf("%s could not be fenced: %s", a.Node, a.Text)
}

// FenceRan takes in how an agent ended. It may be called from any goroutine.
func (e *Engine) FenceRan(ev fence.Event) {
	e.Post(func(now time.Time) { e.fence(now, ev) })
}

// heardAgain notes that a node is there: what was done to it is over.
func (e *Engine) heardAgain(now time.Time, node string) {
	if f := e.fencing.fencer; f != nil && f.Concerns(node) {
		e.fence(now, fence.Seen(node))
	}
}

// heardOfHolder does the same for a node that renews a lease.
func (e *Engine) heardOfHolder(t *tenancy) {
	holder, at := t.candidate.Heard()
	if holder != "" && at > t.seen {
		t.seen = at
		e.heardAgain(e.opt.Clock(), holder)
	}
}
