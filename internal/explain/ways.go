package explain

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
)

// ways say what would have to happen.
func (x *view) ways() []string {
	if x.active() {
		return x.waysOut()
	}
	out := []string{}
	for _, f := range x.facts {
		switch f.Verdict {
		case api.VerdictBars:
			out = append(out, f.Subject+": "+f.Do)
		case api.VerdictWaits:
			out = append(out, f.Subject+" has to come to its end")
		}
	}
	if x.g.Lease != nil {
		return append(out, x.leaseIn()...)
	}
	return append(out, x.electionIn()...)
}

// leaseIn is how this node comes by a lease.
func (x *view) leaseIn() []string {
	l, g := x.g.Lease, x.g
	switch {
	case l.Left > 0:
		return []string{"this node has the lease: its addresses answer when what it takes first is taken"}
	case g.Holder == "":
		return []string{fmt.Sprintf("this node claims the lease when that has been free, or not renewed, for its term of %s; better nodes go first", short(l.TTL))}
	}
	out := []string{
		fmt.Sprintf("%s does not renew its lease for %s: then the best node that is fit claims it", g.Holder, short(l.TTL)),
		fmt.Sprintf("%s gives it back: holdfast handover %s --to %s there, maintenance, or a check that fails there", g.Holder, g.Name, x.Status.Node),
	}
	switch {
	case !g.Preempt:
		out = append(out, "it does not ask for it by itself: preempt is off")
	case l.Chosen:
		out = append(out, "it does not ask for it by itself while an operator's choice holds")
	default:
		out = append(out, "it asks for it by itself where its priority is above that of the holder with its stickiness, after preempt_delay and within a failback window")
	}
	return out
}

// electionIn is how this node comes to hold by VRRP.
func (x *view) electionIn() []string {
	g := x.g
	down := time.Duration(0)
	for _, r := range g.Routers {
		down = max(down, time.Duration(r.DownInterval))
	}
	if g.Holder == "" {
		return []string{fmt.Sprintf("no advert is heard for %s: then this node claims it", round(down))}
	}
	out := []string{fmt.Sprintf("%s falls silent: this node claims it after %s%s", g.Holder, round(down), x.sooner())}
	out = append(out, fmt.Sprintf("%s lets go: holdfast handover %s --to %s there, maintenance, or a check that fails there", g.Holder, g.Name, x.Status.Node))
	theirs, known := x.priorityOf(g.Holder)
	switch {
	case !known:
	case g.Priority > theirs && g.Preempt:
		out = append(out, fmt.Sprintf("its priority of %d is above the %d of %s, and it preempts: it asks for it by itself", g.Priority, theirs, g.Holder))
	case g.Priority > theirs:
		out = append(out, fmt.Sprintf("its priority of %d is above the %d of %s, and it does not preempt: it waits", g.Priority, theirs, g.Holder))
	case g.BasePriority > theirs:
		out = append(out, fmt.Sprintf("its priority has to be above the %d of %s: it is %d, and %d when all checks pass", theirs, g.Holder, g.Priority, g.BasePriority))
	default:
		out = append(out, fmt.Sprintf("its priority of %d would have to be above the %d of %s", g.Priority, theirs, g.Holder))
	}
	return out
}

// sooner names the nodes that would come first.
func (x *view) sooner() string {
	var names []string
	for _, p := range x.g.Peers {
		text := fmt.Sprintf("%s (priority %d)", p.Name(), p.Priority)
		if p.State == "backup" && p.Priority > x.g.Priority && !slices.Contains(names, text) {
			names = append(names, text)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return ", unless one with a higher priority is faster: " + strings.Join(names, ", ")
}

func (x *view) priorityOf(node string) (priority uint8, known bool) {
	for _, p := range x.g.Peers {
		if p.Name() == node || p.Address == node {
			return p.Priority, true
		}
	}
	return 0, false
}

// waysOut is what ends a hold here.
func (x *view) waysOut() []string {
	g := x.g
	out := []string{fmt.Sprintf("somebody wants it: holdfast handover %s, or holdfast maintenance on", g.Name)}
	var vetoes, weights []string
	for _, c := range g.Checks {
		if c.Weight == 0 {
			vetoes = append(vetoes, c.Name)
		} else if c.Up {
			weights = append(weights, fmt.Sprintf("%s (%d)", c.Name, c.Weight))
		}
	}
	if len(vetoes) > 0 {
		out = append(out, "one of these checks fails: "+strings.Join(vetoes, ", "))
	}
	if len(weights) > 0 {
		out = append(out, fmt.Sprintf("these checks fail, and their weights take the priority of %d below that of a node that preempts: %s", g.Priority, strings.Join(weights, ", ")))
	}
	if g.Interface != "" {
		out = append(out, "the link of "+g.Interface+" goes down")
	}
	switch {
	case g.Lease != nil:
		out = append(out, fmt.Sprintf("the lease is not renewed: the hold ends in %s then", short(g.Lease.Left)))
		if g.Lease.Asks != "" {
			out = append(out, g.Lease.Asks+" asks for it: it gets it when it can take over")
		}
		return out
	case g.Guard.Kind == api.GuardMajority:
		out = append(out, fmt.Sprintf("no majority promises it any more: the hold ends in %s then", short(g.Guard.Promised)))
	case g.Guard.Kind == api.GuardGateway:
		out = append(out, fmt.Sprintf("the gateway does not answer: the hold ends in %s then", short(g.Guard.Promised)))
	}
	var best uint8
	for _, p := range g.Peers {
		if p.State != "gone" && p.State != "left" {
			best = max(best, p.Priority)
		}
	}
	text := fmt.Sprintf("a node with a priority above %d preempts; none is heard now", g.Priority)
	if best > 0 {
		text = fmt.Sprintf("a node with a priority above %d preempts; the highest that is heard is %d", g.Priority, best)
	}
	return append(out, text)
}
