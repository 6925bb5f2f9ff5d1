package sim

import (
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/internal/group"
)

// inspect looks for addresses on nodes that do not hold them.
func (j *Judge) inspect() {
	for _, n := range j.w.nodes {
		for _, u := range n.units {
			for _, r := range u.routers {
				j.inspectSlot(n, u, r)
			}
		}
	}
}

func (j *Judge) inspectSlot(n *node, u *unit, r *router) {
	s := &n.kernel.slots[r.vr]
	if !s.on || u.keeps || n.paused || j.refusing {
		return
	}
	since := max(u.freed, s.since, n.thawed, n.retried, j.retried)
	if j.w.now-since > j.bounds.left {
		j.problem("%s is %s, but keeps the addresses of %s since %s", n.name, u.set.State(), j.w.vrs[r.vr].name, show(since))
	}
}

// Verdict looks at the world when all faults are over and it had time to
// settle, and lists everything that was wrong in the run.
func (j *Judge) Verdict() []string {
	for vr, since := range j.two {
		if since != 0 {
			j.bothAnswered(vr, since)
		}
	}
	if j.w.now-j.lastChange < j.bounds.interval {
		j.problem("still changing at %s", show(j.lastChange))
	}
	for s := range j.w.cfg.Sets {
		j.verdictOf(s)
	}
	for _, n := range j.w.nodes {
		for _, u := range n.units {
			if u.results != u.ordered {
				j.problem("%s answered %d commands of %d", n.name, u.results, u.ordered)
			}
		}
	}
	return append(j.problems, j.w.broken...)
}

// verdictOf looks whether one node holds a set, and whether it is the one that
// should.
func (j *Judge) verdictOf(s int) {
	var holder *node
	whole := true
	for vr := range j.w.vrs {
		if j.w.vrs[vr].set != s {
			continue
		}
		switch who := j.answering(vr); {
		case len(who) != 1:
			j.problem("%d nodes answer for %s in the end", len(who), j.w.vrs[vr].name)
			return
		case holder == nil:
			holder = who[0]
		default:
			whole = whole && holder == who[0]
		}
	}
	plain := slices.ContainsFunc(j.w.nodes, func(n *node) bool { return n.plain })
	if !whole && !plain {
		j.problem("set %d is held by two nodes in parts", s)
	}
	if plain || holder.plain {
		return // routers that do not move together can share a set
	}
	mine := holder.units[s].set
	if mine.State() != group.Active {
		j.problem("%s answers for set %d, but is %s", holder.name, s, mine.State())
	}
	for _, n := range j.w.nodes {
		if n == holder {
			continue
		}
		v := n.units[s].set.View()
		if v.State != group.Backup || v.Leaving {
			j.problem("%s is %s in the end (leaving: %t)", n.name, v.State, v.Leaving)
		}
		if v.Routers[0].Priority > mine.Router(0).Priority() && !n.settings[s].NoPreempt && !v.Suspended && len(v.Lacks) == 0 {
			j.problem("%s does not preempt %s in the end", n.name, holder.name)
		}
	}
}

// watch inspects the world again and again.
func (j *Judge) watch(every time.Duration) {
	j.w.at(j.w.now+every, func() {
		j.inspect()
		j.watch(every)
	})
}
