package explain

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
)

func (x *view) add(verdict, subject, do, format string, args ...any) {
	x.facts = append(x.facts, api.Fact{Subject: subject, Verdict: verdict, Text: fmt.Sprintf(format, args...), Do: do})
}

// gather finds what counts.
func (x *view) gather() {
	x.node()
	x.link()
	x.checks(x.g, "")
	x.priority()
	x.lacks()
	x.together()
	x.guard()
	x.lease()
	x.steps()
	x.fence()
	x.conflict()
	x.hold()
}

// node is what is so for all groups.
func (x *view) node() {
	switch {
	case x.Status.Stopping:
		x.add(api.VerdictBars, "daemon", "start it again", "it was told to stop")
	case x.Status.Maintenance:
		x.add(api.VerdictBars, "maintenance", "holdfast maintenance off", "it is on: this node claims nothing")
	}
}

func (x *view) link() {
	for _, l := range x.Status.Links {
		switch {
		case l.Name != x.g.Interface:
		case l.Up:
			x.add(api.VerdictOK, "link "+l.Name, "", "up")
		default:
			x.add(api.VerdictBars, "link "+l.Name, "see to the cable, the switch, or the interface", "down: %s", orUnknown(l.Why))
		}
	}
}

// checks are those of a group; of is the group where it is another one.
func (x *view) checks(g *api.Group, of string) {
	for _, c := range g.Checks {
		subject := "check " + c.Name
		if of != "" {
			subject += " of " + of
		}
		lasts := ""
		if !c.Since.IsZero() {
			lasts = " for " + round(x.Status.Now.Sub(c.Since)).String()
		}
		switch {
		case c.State == "pending" && c.Weight == 0:
			x.add(api.VerdictWaits, subject, "", "there is no result yet")
		case c.State == "pending":
			x.add(api.VerdictOK, subject, "", "there is no result yet")
		case c.Up:
			x.add(api.VerdictOK, subject, "", "passes%s: %s", lasts, orUnknown(c.Detail))
		case c.Weight == 0:
			x.add(api.VerdictBars, subject, "see to what it looks at"+x.target(c.Name), "fails%s: %s", lasts, orUnknown(c.Detail))
		default:
			x.add(api.VerdictLowers, subject, "see to what it looks at"+x.target(c.Name), "fails%s, which takes %d off the priority: %s", lasts, c.Weight, orUnknown(c.Detail))
		}
	}
}

func (x *view) target(check string) string {
	for _, c := range x.Status.Checks {
		if c.Name == check && c.Target != "" {
			return ": " + c.Target
		}
	}
	return ""
}

func (x *view) priority() {
	g := x.g
	switch {
	case g.Priority != g.BasePriority && g.BasePriority != 0:
		x.add(api.VerdictLowers, "priority", "", "%d, configured %d: checks with a weight make the difference", g.Priority, g.BasePriority)
	case g.Priority != 0:
		x.add(api.VerdictOK, "priority", "", "%d, as configured", g.Priority)
	}
}

// lacks are what it waits for before it holds.
func (x *view) lacks() {
	for _, l := range x.g.Lacks {
		not := "claim"
		if l.For == "preempting" {
			not = "take the place of a holder that lives"
		}
		x.add(api.VerdictWaits, "waiting for "+l.What, "", "it does not %s before they are here, for another %s at the most: %s", not, round(l.Until.Sub(x.Status.Now)), l.Why)
	}
}

// together are the groups that move with it: the set is as fit as the least fit
// of them.
func (x *view) together() {
	for _, name := range x.g.With {
		i := slices.IndexFunc(x.Status.Groups, func(g api.Group) bool { return g.Name == name })
		if i < 0 {
			continue
		}
		o := &x.Status.Groups[i]
		x.checks(&api.Group{Checks: failing(o.Checks)}, name)
		if o.State == "fault" {
			x.add(api.VerdictBars, "group "+name, "holdfast explain "+name, "it moves together with this one, and is not fit: %s", o.Reason)
			continue
		}
		x.add(api.VerdictOK, "group "+name, "", "moves together with this one; it is %s", o.State)
	}
}

// failing are those that keep a group from being held: its priority is its own.
func failing(all []api.Check) []api.Check {
	return slices.DeleteFunc(slices.Clone(all), func(c api.Check) bool { return c.Up || c.Weight != 0 })
}

// silent is how long a voter may say nothing.
const silent = 3 * time.Second

func (x *view) guard() {
	g := &x.g.Guard
	switch {
	case g.Kind == api.GuardGateway && g.Promised > 0:
		x.add(api.VerdictOK, "guard", "", "the gateway %s answers: for %s yet", g.Gateway, short(g.Promised))
	case g.Kind == api.GuardGateway:
		x.add(api.VerdictBars, "guard", "see whether this node reaches it: ping "+g.Gateway, "the gateway %s does not answer", g.Gateway)
	case g.Kind != api.GuardMajority:
	case g.Promised > 0:
		x.add(api.VerdictOK, "guard", "", "%d of %d voters have promised it to this node, for %s", g.Votes, g.Of, short(g.Promised))
	default:
		heard, missing := x.voters()
		verdict, do := api.VerdictOK, ""
		text := "no majority has promised it to this node, which is as it should be while another one holds"
		if len(missing) > 0 {
			text += "; not heard: " + strings.Join(missing, ", ")
		}
		if heard <= g.Of/2 {
			verdict, do = api.VerdictBars, "see to the network between this node and "+strings.Join(missing, ", ")
			text = fmt.Sprintf("no majority can promise it: %d of %d voters are heard, not %s", heard, g.Of, strings.Join(missing, ", "))
		}
		x.add(verdict, "guard", do, "%s", text)
	}
}

// voters counts those that are heard, this node among them, and names the others.
func (x *view) voters() (heard int, missing []string) {
	for _, v := range x.Status.Voters {
		if v.Self || !v.LastSeen.IsZero() && x.Status.Now.Sub(v.LastSeen) <= silent {
			heard++
			continue
		}
		missing = append(missing, v.Name)
	}
	return heard, missing
}

func (x *view) lease() {
	l := x.g.Lease
	if l == nil {
		return
	}
	const doctor = "holdfast doctor asks the store; holdfast cluster status shows the cluster's own"
	switch {
	case l.Apart != "":
		x.add(api.VerdictBars, "store", doctor, "this node cannot take part in the lease: %s", l.Apart)
	case !l.Known:
		x.add(api.VerdictBars, "store", doctor, "it has not answered yet")
	case l.Trouble:
		x.add(api.VerdictBars, "store", doctor, "it does not answer: nothing is claimed or renewed meanwhile, and what is held ends by itself")
	default:
		x.add(api.VerdictOK, "store", "", "it answers; the last hold has epoch %d", l.Epoch)
	}
	switch {
	case l.Barred > 0:
		x.add(api.VerdictBars, "failures", "see why it failed: holdfast events --group "+x.g.Name, "what this node held has failed too often: it claims nothing for %s", short(l.Barred))
	case l.Failures > 0:
		x.add(api.VerdictLowers, "failures", "", "%d failures of this node count so far", l.Failures)
	}
	switch {
	case l.Left > 0:
		x.add(api.VerdictOK, "lease", "", "it is this node's for %s, unless it is renewed", short(l.Left))
	case !l.Known || l.Apart != "":
	case l.Holder == "" && l.Next != "" && l.Next != x.Status.Node:
		x.add(api.VerdictWaits, "lease", "", "it is free, and kept for %s to claim first", l.Next)
	case l.Holder == "":
		x.add(api.VerdictOK, "lease", "", "it is free")
	case l.Over:
		x.add(api.VerdictOK, "lease", "", "that of %s has run out", l.Holder)
	case l.Chosen:
		x.add(api.VerdictOK, "lease", "", "%s has it, by an operator's choice: nobody asks for it", l.Holder)
	default:
		x.add(api.VerdictOK, "lease", "", "%s has it, and renews it", l.Holder)
	}
	if l.Asks != "" {
		x.add(api.VerdictWaits, "wish", "", "%s asks the holder to hand over", l.Asks)
	}
}

func (x *view) steps() {
	s := x.g.Steps
	if s == nil {
		return
	}
	at := ""
	if s.Step != "" {
		at = ", at " + s.Step
	}
	if s.Why != "" {
		at += ": " + s.Why
	}
	switch s.State {
	case "stuck":
		x.add(api.VerdictBars, "steps", "see to what does not end or cannot be undone; it is tried again by itself", "%d of them cannot be undone%s", s.Done, at)
	case "taken":
		x.add(api.VerdictOK, "steps", "", "all %d are taken, with epoch %d", s.Of, s.Epoch)
	case "clean":
		x.add(api.VerdictOK, "steps", "", "none of %d is taken", s.Of)
	case "taking":
		x.add(api.VerdictWaits, "steps", "", "they are being taken (%d of %d)%s", s.Done, s.Of, at)
	default:
		x.add(api.VerdictWaits, "steps", "", "they are being undone (%d left)%s", s.Done, at)
	}
}

// fence tells for which nodes it waits.
func (x *view) fence() {
	if x.Fencing == nil {
		return
	}
	for _, n := range x.Fencing.Nodes {
		if !slices.Contains(n.Waiting, x.g.Name) {
			continue
		}
		text := fmt.Sprintf("nothing is taken before %s cannot hold any more; fencing it is %q", n.Node, n.State)
		if n.Failure != "" {
			text += ", and failed last: " + n.Failure
		}
		x.add(api.VerdictWaits, "fence "+n.Node, "holdfast fence status; if it is off for certain: holdfast fence confirm "+n.Node, "%s", text)
	}
}

func (x *view) conflict() {
	if c := x.g.Conflict; c != nil {
		x.add(api.VerdictBars, "conflict", "find the machine with "+c.Other, "%s is used by %s, too", c.Address, c.Other)
	}
}

// hold is what passes the gate.
func (x *view) hold() {
	if len(x.g.Routers) == 0 {
		return
	}
	first := x.g.Routers[0].Hold
	for _, r := range x.g.Routers[1:] {
		if r.Hold.Left < first.Left {
			first = r.Hold
		}
	}
	switch {
	case first.State == api.HoldClosed || first.State == "":
		x.add(api.VerdictOK, "gate", "", "closed: the addresses do not answer here")
	default:
		x.add(api.VerdictOK, "gate", "", "%s for %s, unless it is renewed", first.State, short(first.Left))
	}
}

func orUnknown(s string) string {
	if s == "" {
		return "why is not known"
	}
	return s
}
