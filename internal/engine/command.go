package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-net/holdfast/internal/group"
	"github.com/holdfast-net/holdfast/internal/lease"
)

// CommandResult is the end of an operator's command.
type CommandResult struct {
	OK   bool
	Text string
	Hint string
}

// Handover moves a group, and what moves with it, to the node named to, or
// with an empty name to the best other node. It answers when the successor
// was heard, or when nobody took over and the group is held here again.
func (e *Engine) Handover(ctx context.Context, name, to string) (CommandResult, error) {
	return Ask(ctx, e, func(now time.Time, answer func(CommandResult)) {
		u := e.unitOf(name)
		switch {
		case u == nil:
			answer(CommandResult{Text: fmt.Sprintf("there is no group %s", name), Hint: "groups here: " + strings.Join(e.groupNames(), ", ")})
			return
		case to == e.node:
			answer(CommandResult{Text: to + " is this node", Hint: "run it on the node that holds the group now"})
			return
		case to != "":
			if text := u.unable(to, now); text != "" {
				answer(CommandResult{Text: text, Hint: "holdfast status " + name + " lists the nodes that are heard"})
				return
			}
		}
		e.record(Record{Time: now, Record: group.Record{Group: name, Kind: "command", Reason: handoverText(to)}})
		u.waiters = append(u.waiters, answer)
		e.step(now, u, group.Handover(to))
	})
}

func handoverText(to string) string {
	if to == "" {
		return "an operator asked for a handover to the best node"
	}
	return "an operator asked for a handover to " + to
}

// unable says why a node cannot take the unit over; "" when it can.
func (u *unit) unable(to string, now time.Time) string {
	if u.lease != nil {
		return "" // who has a part in a lease is not known before it claims
	}
	for _, r := range u.routers {
		n, ok := r.table.Named(to, now)
		switch {
		case !ok:
			return fmt.Sprintf("%s is not heard in group %s (%s)", to, r.group.Name, r.cfg.Family)
		case group.State(n.State) != group.Backup:
			return fmt.Sprintf("%s is %s in group %s", to, group.State(n.State), r.group.Name)
		}
	}
	return ""
}

// Maintenance makes this node hand over all it holds and claim nothing until
// it is switched off again. Unless forced, a group that no other node takes
// stays here, and maintenance stays off for it.
func (e *Engine) Maintenance(ctx context.Context, on, force bool) (CommandResult, error) {
	return Ask(ctx, e, func(now time.Time, answer func(CommandResult)) {
		ev := group.MaintenanceOff()
		switch {
		case on && force:
			ev = group.MaintenanceForced()
		case on:
			ev = group.MaintenanceOn()
		}
		e.maintenance = on
		e.record(Record{Time: now, Record: group.Record{Kind: "command", Reason: maintenanceText(on)}})
		all := gather{left: len(e.units), answer: answer, on: on}
		if all.left == 0 {
			all.finish()
		}
		for _, u := range e.sortedUnits() {
			name := u.groups[0].Name
			u.waiters = append(u.waiters, func(r CommandResult) {
				if !r.OK && on {
					// The node as a whole is not out of service then.
					e.maintenance = false
				}
				all.add(name, r)
			})
			if !on && u.lease != nil {
				e.leaseEvent(u, lease.Forgiven()) // whoever says that it is well again knows of its failures
			}
			e.step(now, u, ev)
		}
	})
}

func maintenanceText(on bool) string {
	if on {
		return "an operator switched maintenance on"
	}
	return "an operator switched maintenance off"
}

// gather waits for the answers of several units.
type gather struct {
	left   int
	on     bool
	texts  []string
	failed bool
	answer func(CommandResult)
}

func (g *gather) add(name string, r CommandResult) {
	g.left--
	g.failed = g.failed || !r.OK
	if !r.OK || r.Text != "nothing was held here" {
		g.texts = append(g.texts, name+": "+r.Text)
	}
	if g.left == 0 {
		g.finish()
	}
}

func (g *gather) finish() {
	state := "off: this node takes part again"
	if g.on {
		state = "on: this node holds nothing and claims nothing"
	}
	res := CommandResult{OK: !g.failed, Text: "maintenance is " + state}
	if g.failed {
		res.Text = "maintenance is not complete"
		res.Hint = "start another node first, or use --force and leave the addresses without a holder"
	}
	if len(g.texts) > 0 {
		res.Text += "\n" + strings.Join(g.texts, "\n")
	}
	g.answer(res)
}

// answer ends the oldest command that waits on a unit.
func (e *Engine) answer(u *unit, r CommandResult) {
	if len(u.waiters) == 0 {
		return
	}
	w := u.waiters[0]
	u.waiters = slices.Delete(u.waiters, 0, 1)
	w(r)
}

// Stop makes every group leave in order. Run returns when they have.
func (e *Engine) Stop(why string) {
	e.Post(func(now time.Time) { e.stop(now, why) })
}

func (e *Engine) unitOf(name string) *unit {
	for _, u := range e.units {
		if !u.retiring && u.has(name) {
			return u
		}
	}
	return nil
}

func (u *unit) has(name string) bool {
	for i := range u.groups {
		if u.groups[i].Name == name {
			return true
		}
	}
	return false
}

func (e *Engine) groupNames() []string {
	var names []string
	for _, u := range e.units {
		for i := range u.groups {
			names = append(names, u.groups[i].Name)
		}
	}
	slices.Sort(names)
	return names
}

func (e *Engine) sortedUnits() []*unit {
	var out []*unit
	for _, u := range e.units {
		out = append(out, u)
	}
	slices.SortFunc(out, func(a, b *unit) int { return int(a.id) - int(b.id) })
	return out
}
