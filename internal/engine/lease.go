package engine

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/group"
	"github.com/holdfast-net/holdfast/internal/lease"
)

// Leases connects units to the stores that their leases are in.
type Leases interface {
	// Open begins to carry the queries of one lease; tell gets the answers,
	// from any goroutine.
	Open(store config.Store, id string, tell func(lease.Event)) (LeaseClerk, error)
	// Instance names this process, and Place its network namespace's gate.
	Instance() string
	Place() string
}

// LeaseClerk asks a store. Its methods never block.
type LeaseClerk interface {
	Ask(lease.Query)
	// Close ends it. What was asked to be written last is still carried out.
	Close()
}

// tenancy is a unit's part in its lease.
type tenancy struct {
	candidate *lease.Candidate
	clerk     LeaseClerk
	failback  []config.Window
	open      bool    // one of them is, or there are none
	holder    string  // the other node that the set knows of
	asked     string  // who asked this node to hand over
	why       string  // how this node may come to it
	seen      Instant // when the other holder's last word was heard of
	acts      []lease.Action
}

// leaseID names the lease of groups that move together.
func leaseID(groups []config.Group) string {
	id := groups[0].Name
	for i := range groups {
		id = min(id, groups[i].Name)
	}
	return id
}

func leaseConfig(l *config.Lease) lease.Config {
	return lease.Config{
		Term: l.TTL, Stickiness: l.Stickiness, Preempt: l.Preempt, Delay: l.PreemptDelay,
		Failures: l.Failures, BarredFor: l.BarredFor,
	}
}

// How often it is tried again to take part in a lease whose store could not be
// opened: its certificates are not there yet, say.
const (
	openFirst = time.Second
	openLast  = time.Minute
)

// contend makes a unit a candidate for its lease, or changes how it is one. A
// unit that cannot be one holds nothing, and tries again.
func (e *Engine) contend(u *unit) {
	err := e.enterLease(u)
	if err == nil {
		u.apart, u.tries = "", 0
		return
	}
	u.mandate = 1 // it does not hold
	e.limit(u)
	if err.Error() != u.apart {
		u.apart = err.Error()
		e.record(Record{Time: e.opt.Clock(), Record: group.Record{
			Group: u.groups[0].Name, Kind: "notice", Code: "HF2141", Reason: fmt.Sprintf("%s (it is tried again)", u.apart),
		}})
	}
	if u.lease != nil {
		return // what the file wants of it is no good: another file will do
	}
	pause := min(openFirst<<min(u.tries, 6), openLast)
	u.tries++
	try := u.tries
	e.later(e.opt.Clock().Add(pause), func(time.Time) {
		if e.units[u.id] != u || u.lease != nil || u.retiring || u.tries != try {
			return
		}
		if e.contend(u); u.lease != nil && u.set.Wanting() {
			e.wantMandate(u, u.set.Router(u.set.Lead()).Priority())
		}
	})
}

func (e *Engine) enterLease(u *unit) error {
	l := u.groups[0].Lease
	cfg := leaseConfig(l)
	cfg.Fences = u.asks(wantsAgents)
	if t := u.lease; t != nil {
		t.failback = l.Failback
		acts, err := t.candidate.Reconfigure(e.opt.Gate.Now(), cfg, t.acts[:0])
		if err != nil {
			return err
		}
		t.acts = acts
		e.leaseActions(u, acts)
		return nil
	}
	if e.opt.Leases == nil {
		return errors.New("cannot take part in the lease: there are no stores")
	}
	cfg.Node, cfg.Instance, cfg.Place, cfg.Floor = e.node, e.opt.Leases.Instance(), e.opt.Leases.Place(), e.highestEpoch(u)
	c, err := lease.New(cfg)
	if err != nil {
		return err
	}
	if u.former != nil {
		c.Inherit(*u.former)
		u.former = nil
	}
	t := &tenancy{candidate: c, failback: l.Failback, open: true, why: "nobody held the lease"}
	t.clerk, err = e.opt.Leases.Open(l.Store, leaseID(u.groups), func(ev lease.Event) {
		e.afterwards(u, func(time.Time) { e.leaseEvent(u, ev) })
	})
	if err != nil {
		return err
	}
	u.lease = t
	u.mandate = max(c.Until(), 1)
	e.limit(u)
	e.leaseEvent(u, lease.Tick())
	return nil
}

// leaseEvent gives a candidate an event, at the gate's time of now: it is read
// after the event was there, and before anything that follows is done.
func (e *Engine) leaseEvent(u *unit, ev lease.Event) {
	t := u.lease
	t.acts = t.candidate.Step(e.opt.Gate.Now(), ev, t.acts[:0])
	e.leaseActions(u, t.acts)
}

// leaseActions carries out what a candidate asks for. The gate obeys at once;
// the set hears of it when it has done what it is at.
func (e *Engine) leaseActions(u *unit, acts []lease.Action) {
	t := u.lease
	e.heardOfHolder(t)
	for i := range acts {
		switch a := &acts[i]; a.Kind {
		case lease.ActionHold:
			e.holdLease(u, a)
		case lease.ActionQuery:
			t.clerk.Ask(a.Query)
		case lease.ActionAsked:
			t.asked = a.Node
			node, priority := a.Node, uint8(min(max(a.Priority, 0), 255))
			e.afterwards(u, func(now time.Time) { e.step(now, u, group.Asked(node, priority)) })
		}
	}
	if t.candidate.Holder() != "" {
		e.seen(u, t.candidate.Highest())
	}
	if holder := t.candidate.Holder(); holder != t.holder {
		t.news(holder, e.node)
		e.afterwards(u, func(now time.Time) { e.step(now, u, group.Holder(holder)) })
	}
}

// holdLease moves the limit of what a unit may hold: at once where it gets
// nearer, and else once it is certain that the hold has not ended meanwhile. A
// hold that has is not opened again by news that came late: it begins anew.
func (e *Engine) holdLease(u *unit, a *lease.Action) {
	why := ""
	if a.Epoch != 0 && a.Epoch != u.epoch {
		u.epoch = a.Epoch
		why = u.lease.why
	}
	if until := max(a.Until, 1); until < u.mandate {
		u.mandate = until
		e.limit(u)
	}
	if _, late := u.lapsed(e.opt.Gate.Now()); late == 0 {
		e.agree(u)
	}
	e.afterwards(u, func(now time.Time) {
		if i, late := u.lapsed(e.opt.Gate.Now()); late > 0 {
			e.let(now, u, group.Lapsed(i, late))
		}
		e.agree(u)
		e.step(now, u, group.Leased(now.Add(u.mandate.Sub(e.opt.Gate.Now())), why))
	})
}

// agree brings the limit in line with the lease.
func (e *Engine) agree(u *unit) {
	if u.lease != nil {
		u.mandate = max(u.lease.candidate.Until(), 1)
		e.limit(u)
	}
}

// news notes who has the lease now, and how this node may come to it.
func (t *tenancy) news(holder, node string) {
	switch v := t.candidate.View(); {
	case holder != "":
		t.why = fmt.Sprintf("the lease of %s has run out", holder)
	case t.holder == "" || v.Holder != "":
	case v.Next == node:
		t.why = fmt.Sprintf("%s has handed over", t.holder)
	default:
		t.why = fmt.Sprintf("%s has given its lease back", t.holder)
	}
	t.holder = holder
}

// countFault counts what makes a node unfit while it holds.
func (e *Engine) countFault(u *unit, r *group.Record) {
	if u.lease != nil && r.Kind == "transition" && r.From == group.Active && r.To == group.Fault && r.Group == u.groups[0].Name {
		e.leaseEvent(u, lease.Failed())
	}
}

// releaseLease gives it back: for the node that asked, or that an operator named.
func (e *Engine) releaseLease(u *unit, to string) {
	t := u.lease
	switch {
	case to == "":
		e.leaseEvent(u, lease.Release())
	case to == t.asked:
		e.leaseEvent(u, lease.Bequeath(to))
	default:
		e.leaseEvent(u, lease.Choose(to))
	}
	t.asked = ""
}

// renewLeases does what is due in the leases.
func (e *Engine) renewLeases(now time.Time) {
	for _, u := range e.units {
		t := u.lease
		if t == nil {
			continue
		}
		open := len(t.failback) == 0 || slices.ContainsFunc(t.failback, func(w config.Window) bool { return w.Open(now) })
		if open != t.open {
			t.open = open
			ev := lease.WindowCloses()
			if open {
				ev = lease.WindowOpens()
			}
			e.leaseEvent(u, ev)
		}
		if t.candidate.Deadline() <= e.opt.Gate.Now() {
			e.leaseEvent(u, lease.Tick())
		}
	}
}

// windowEvery is how often it is looked whether a window for failbacks opens.
const windowEvery = 10 * time.Second

// leaseDue is when renewLeases is due.
func (e *Engine) leaseDue(now time.Time) time.Time {
	var due time.Time
	gate := e.opt.Gate.Now()
	for _, u := range e.units {
		t := u.lease
		if t == nil {
			continue
		}
		at := now.Add(time.Hour)
		if d := t.candidate.Deadline(); d < gate.Add(time.Hour) {
			at = now.Add(d.Sub(gate))
		}
		if w := now.Add(windowEvery); len(t.failback) > 0 && w.Before(at) {
			at = w
		}
		if due.IsZero() || at.Before(due) {
			due = at
		}
	}
	return due
}

// quitLease takes a unit out of its lease.
func (e *Engine) quitLease(u *unit) {
	if u.lease != nil {
		u.lease.clerk.Close()
		u.lease = nil
	}
}
