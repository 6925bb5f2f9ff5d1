package engine

import (
	"fmt"
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/internal/check"
	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/group"
	"github.com/holdfast-net/holdfast/internal/order"
)

// Stepper does what groups need besides their addresses. None of its methods
// blocks.
type Stepper interface {
	// Plan is what a group takes, and Book what an earlier process has left of
	// it.
	Plan(group string) order.Plan
	Book(group string) order.Book
	// Do carries out what a group's machine asks for. The answers come by
	// [Engine.Stepped].
	Do(group string, acts []order.Action)
	// Adopt goes on with the machine of a group that is not in the file any
	// more, until nothing is left of what it had taken.
	Adopt(group string, m *order.Machine)
	// Late takes an answer that was on its way to the engine when the machine
	// that had asked was adopted.
	Late(group string, ev order.Event)
}

// transaction is the steps of one group of a unit. Those of all groups of a
// unit are taken and left side by side; the unit has taken them when all have.
type transaction struct {
	group   string
	machine *order.Machine
	busy    bool // something of it may be taken
	took    bool
}

// transact gives a unit that begins the machines of its groups' steps. What an
// earlier process has begun is undone first.
func (e *Engine) transact(now time.Time, u *unit) {
	if e.opt.Steps == nil {
		return
	}
	for i := range u.groups {
		g := &u.groups[i]
		m := e.machineOf(g.Name)
		if len(g.Steps) == 0 && len(g.Ready) == 0 && m.Clean() {
			continue
		}
		delete(e.left, g.Name)
		u.steps = append(u.steps, &transaction{group: g.Name, machine: m, busy: !m.Clean()})
	}
	e.undoSteps(now, u, "an earlier process had begun it")
}

// machineOf is the machine of a group that begins: that of its former unit, which
// may be at something still, or a new one with what an earlier process has left.
func (e *Engine) machineOf(name string) *order.Machine {
	plan := e.opt.Steps.Plan(name)
	if m := e.left[name]; m != nil {
		m.Reconfigure(plan)
		return m
	}
	return order.New(name, plan, e.opt.Steps.Book(name))
}

// highestEpoch is the highest epoch that this node knows of the groups of a unit
// that begins.
func (e *Engine) highestEpoch(u *unit) uint64 {
	var highest uint64
	if e.opt.Steps == nil {
		return 0
	}
	for i := range u.groups {
		highest = max(highest, e.machineOf(u.groups[i].Name).Epoch())
	}
	for _, t := range u.steps {
		highest = max(highest, t.machine.Epoch())
	}
	return highest
}

// seen has the groups of a unit remember an epoch of another node.
func (e *Engine) seen(u *unit, epoch uint64) {
	for _, t := range u.steps {
		if epoch > t.machine.Epoch() {
			e.afterwards(u, func(now time.Time) { e.transaction(now, u, t, order.Seen(epoch)) })
		}
	}
}

// undoSteps undoes what is taken for a set that does not hold.
func (e *Engine) undoSteps(now time.Time, u *unit, why string) {
	for _, t := range u.steps {
		if t.busy {
			e.step(now, u, group.Stepped(group.StepsUnfinished, ""))
			e.transaction(now, u, t, order.Leave(group.Init.String(), why))
		}
	}
}

// inheritSteps goes on with the steps that another process has taken.
func (e *Engine) inheritSteps(u *unit, ue *UnitEstate) {
	for i := range u.groups {
		name := u.groups[i].Name
		if o, ok := ue.Steps[name]; ok {
			u.steps = append(u.steps, &transaction{
				group: name, machine: order.Inherit(name, e.opt.Steps.Plan(name), o), took: o.Taken, busy: o.Taken || o.Stuck != "",
			})
		}
	}
}

// take asks for all steps of a unit.
func (e *Engine) take(now time.Time, u *unit, why string) {
	u.failed = ""
	for _, t := range u.steps {
		t.busy, t.took = true, false
	}
	for _, t := range u.steps {
		if u.failed == "" {
			e.transaction(now, u, t, order.Take(why, u.epoch))
		} else {
			t.busy = false // it was not begun
		}
	}
	if len(u.steps) == 0 {
		e.step(now, u, group.Stepped(group.StepsTook, "")) // a reload took them out of the file
	}
}

// leave has them undone.
func (e *Engine) leave(now time.Time, u *unit, role, why string) {
	u.failed = ""
	for _, t := range u.steps {
		e.transaction(now, u, t, order.Leave(role, why))
	}
	if len(u.steps) == 0 {
		e.step(now, u, group.Stepped(group.StepsLeft, ""))
	}
}

// transaction steps a machine and carries out what it asks for.
func (e *Engine) transaction(now time.Time, u *unit, t *transaction, ev order.Event) {
	acts := t.machine.Step(now, ev, nil)
	e.opt.Steps.Do(t.group, acts)
	for i := range acts {
		switch a := &acts[i]; a.Kind {
		case order.ActionRecord:
			e.record(Record{Time: now, Record: group.Record{Group: t.group, Kind: "step", Code: a.Code, Reason: a.Reason}})
		case order.ActionFinished:
			e.finished(now, u, t, a)
		}
	}
	e.plan(u)
}

// finished tells a unit's set what became of its steps, once it is true of all
// of them.
func (e *Engine) finished(now time.Time, u *unit, t *transaction, a *order.Action) {
	switch a.Outcome {
	case order.Took:
		t.took = true
		if !slices.ContainsFunc(u.steps, func(t *transaction) bool { return !t.took }) {
			e.step(now, u, group.Stepped(group.StepsTook, a.Reason))
		}
		return
	case order.Stuck:
		e.step(now, u, group.Stepped(group.StepsStuck, a.Reason))
		return
	}
	t.busy, t.took = false, false
	if a.Outcome == order.Failed && u.failed == "" {
		u.failed = a.Reason
		for _, o := range u.steps {
			if o != t && o.busy {
				e.transaction(now, u, o, order.Leave(group.Fault.String(), a.Reason))
			}
		}
	}
	if slices.ContainsFunc(u.steps, func(t *transaction) bool { return t.busy }) {
		return
	}
	if u.failed != "" {
		e.step(now, u, group.Stepped(group.StepsFailed, u.failed))
		return
	}
	e.step(now, u, group.Stepped(group.StepsLeft, a.Reason))
}

// Stepped takes in the answer to what the [Stepper] was asked to do. It may be
// called from any goroutine, and never blocks.
func (e *Engine) Stepped(name string, ev order.Event) {
	e.Post(func(now time.Time) {
		switch u, t := e.stepsOf(name); {
		case t != nil:
			e.transaction(now, u, t, ev)
		case e.left[name] != nil:
			e.opt.Steps.Do(name, e.left[name].Step(now, ev, nil))
		default:
			e.opt.Steps.Late(name, ev)
		}
	})
}

// afterwards has f done in the next round, if the unit is still there: what a set
// asks for must not step it again while that is carried out.
func (e *Engine) afterwards(u *unit, f func(now time.Time)) {
	e.Post(func(now time.Time) {
		if e.units[u.id] == u {
			f(now)
		}
	})
}

func (e *Engine) stepsOf(name string) (*unit, *transaction) {
	for _, u := range e.units { // also one that leaves: its successor has not begun
		for _, t := range u.steps {
			if t.group == name {
				return u, t
			}
		}
	}
	return nil, nil
}

// Looked tells what a look of a check that steps wait for has seen, and when it
// began. It may be called from any goroutine, and never blocks.
func (e *Engine) Looked(name string, s check.Seen, begun time.Time) {
	e.Post(func(now time.Time) { e.ready(now, name, s.OK, s.Text, begun) })
}

// ready tells the steps that wait for a check what one look of it, begun at
// begun, has seen.
func (e *Engine) ready(now time.Time, check string, up bool, why string, begun time.Time) {
	for _, u := range e.units {
		for i := range u.groups {
			if g := &u.groups[i]; slices.Contains(g.Ready, check) {
				if _, t := e.stepsOf(g.Name); t != nil {
					e.transaction(now, u, t, order.ReadyNews(check, up, why, begun))
				}
			}
		}
	}
}

// tickSteps steps the machines of a unit that are due.
func (e *Engine) tickSteps(now time.Time, u *unit) {
	for _, t := range u.steps {
		if d := t.machine.Deadline(); !d.IsZero() && !d.After(now) {
			e.transaction(now, u, t, order.Tick())
		}
	}
}

// plan enters when a unit wants to be stepped: its set, or what it takes.
func (e *Engine) plan(u *unit) {
	at := u.set.Deadline()
	for _, t := range u.steps {
		if d := t.machine.Deadline(); !d.IsZero() && (at.IsZero() || d.Before(at)) {
			at = d
		}
	}
	e.queue.set(u, at)
}

// keepMachines keeps the machines of a unit that ends, for a unit that follows
// it. Where none does, somebody else has to see to what could not be undone yet.
func (e *Engine) keepMachines(u *unit) {
	for _, t := range u.steps {
		follows := slices.ContainsFunc(e.waiting, func(f *unit) bool { return f.has(t.group) })
		if t.machine.Clean() || follows || e.stopping {
			e.left[t.group] = t.machine
			continue
		}
		e.opt.Steps.Adopt(t.group, t.machine)
	}
}

// stepping says what of the steps of a unit is under way, so that it cannot be
// handed on; "": nothing.
func (u *unit) stepping() string {
	for _, t := range u.steps {
		if t.machine.Still() {
			continue
		}
		v := t.machine.View()
		if v.Step == "" {
			return fmt.Sprintf("the steps of group %s are under way (%s)", t.group, v.Phase)
		}
		text := fmt.Sprintf("group %s is %s its steps, and is at %s", t.group, v.Phase, v.Step)
		if v.Why != "" {
			text += ", which " + v.Why
		}
		return text
	}
	return ""
}

// hasSteps reports whether a group takes more than its addresses.
func hasSteps(g *config.Group) bool { return len(g.Steps) > 0 || len(g.Ready) > 0 }
