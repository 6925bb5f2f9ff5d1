package sim

import (
	"fmt"
	"time"

	"github.com/holdfast-net/holdfast/internal/group"
	"github.com/holdfast-net/holdfast/internal/hold"
	"github.com/holdfast-net/holdfast/vrrp"
)

// Judge watches a run for what must never happen.
type Judge struct {
	w        *World
	problems []string
	bounds   bounds

	disturbed int           // faults in progress under which two nodes may hold
	calm      time.Duration // when the last of them ended
	refusing  bool          // kernels refuse orders
	retried   time.Duration // when all that they refused was tried again

	two     []time.Duration // by virtual router: since when two nodes answer; 0: they do not
	looks   []time.Duration // by virtual router: when it is looked again whether two do; 0: not by itself
	longest time.Duration   // two nodes answered, in undisturbed times

	state  map[stateKey]group.State
	split  map[*unit]time.Duration
	sends  map[*router]*rate
	shouts map[*router]*rate

	transitions int
	lastChange  time.Duration
}

type stateKey struct {
	unit  *unit
	group string
}

// bounds is how long what is allowed for a moment may take.
type bounds struct {
	interval time.Duration // the longest of the run
	reach    time.Duration // of an advert and of the order that it causes
	both     time.Duration // two nodes may answer: only beside another vendor's
	recover  time.Duration // after a fault under which two nodes hold
	left     time.Duration // addresses on a node that does not hold them
	converge time.Duration // after the last fault
}

func newJudge(w *World) *Judge {
	j := &Judge{
		w: w, two: make([]time.Duration, len(w.vrs)), looks: make([]time.Duration, len(w.vrs)),
		state: map[stateKey]group.State{}, split: map[*unit]time.Duration{},
		sends: map[*router]*rate{}, shouts: map[*router]*rate{},
	}
	j.bounds = boundsOf(&w.cfg, 1)
	return j
}

// boundsOf derives the bounds from a configuration whose intervals may become
// slower times as long.
func boundsOf(c *Config, slower time.Duration) bounds {
	var b bounds
	var hold time.Duration
	for _, s := range c.Sets {
		for _, g := range s.Groups {
			b.interval = max(b.interval, g.Interval, time.Duration(boolToInt(g.Version == 2))*time.Second)
		}
	}
	for _, n := range c.Nodes {
		for _, s := range n.Sets {
			hold = max(hold, s.PreemptDelay+s.StartupHold)
			b.interval = max(b.interval, s.Interval)
		}
	}
	b.interval = min(slower*b.interval, max(b.interval, longestInterval))
	orders := time.Duration(len(routersOf(c.Sets))) * (c.Kernel.Latency + c.Kernel.Jitter)
	b.reach = 6*(c.Path.Delay+c.Path.Jitter) + 4*orders + 4*c.Late + time.Millisecond
	for _, n := range c.Nodes {
		if n.Plain {
			b.both = 4*b.interval + 2*b.reach // it preempts a node that stands still
		}
	}
	b.recover = 5*b.interval + 4*b.reach + 500*time.Millisecond
	b.left = 4*orders + 20*time.Millisecond
	b.converge = 3*hold + 12*b.interval + 8*b.reach + 2*time.Second
	return b
}

func boolToInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (j *Judge) problem(format string, a ...any) {
	if len(j.problems) < 20 {
		text := fmt.Sprintf("%s: ", show(j.w.now)) + fmt.Sprintf(format, a...)
		j.problems = append(j.problems, text)
		j.w.tell("judge", "PROBLEM: "+format, a...)
	}
}

// disturb begins a fault under which two nodes may hold an address: they
// cannot hear each other, or one of them is not awake.
func (j *Judge) disturb() { j.disturbed++ }

// settle ends it.
func (j *Judge) settle() {
	j.disturbed--
	j.calm = j.w.now
}

// rejoined looks at a node whose link comes back. If its hold is still open, it
// was extended by adverts that nobody heard, or by a process that stood still
// and has not learnt yet that its link was down: the LAN was split.
func (j *Judge) rejoined(n *node, lan int) {
	var until hold.Instant
	for vr := range n.kernel.slots {
		if j.w.vrs[vr].lan == lan {
			until = max(until, n.kernel.slots[vr].doors.Announced)
		}
	}
	if until > j.w.instant() {
		j.disturb()
		j.w.at(time.Duration(until), j.settle)
	}
}

// refusal begins or ends a time in which kernels refuse orders.
func (j *Judge) refusal(begins bool) {
	j.refusing = begins
	j.retried = j.w.now + retry
}

// retry is when at the latest a refused order was given again.
const retry = 1700 * time.Millisecond

func (j *Judge) allChanged() {
	for vr := range j.two {
		j.kernelChanged(vr)
	}
}

// answering lists the nodes that answer for a virtual router's addresses.
func (j *Judge) answering(vr int) []*node {
	var out []*node
	for _, n := range j.w.nodes {
		if j.answers(n, vr) {
			out = append(out, n)
		}
	}
	return out
}

func (j *Judge) answers(n *node, vr int) bool {
	return n.powered && j.w.lans[j.w.vrs[vr].lan].ports[n.index].up && j.w.answers(n, vr)
}

// kernelChanged looks whether two nodes answer for one address.
func (j *Judge) kernelChanged(vr int) {
	count := 0
	var ends hold.Instant // when the first of their holds does
	for _, n := range j.w.nodes {
		if !j.answers(n, vr) {
			continue
		}
		count++
		if t := n.kernel.slots[vr].doors.Announced; !n.plain && (ends == 0 || t < ends) {
			ends = t
		}
	}
	if count > 1 && ends != 0 {
		j.lookAt(vr, time.Duration(ends))
	}
	switch since := j.two[vr]; {
	case count > 1 && since == 0:
		j.two[vr] = j.w.now
		j.w.tell("wire", "%s", j.w.whoAnswers(vr))
	case count < 2 && since != 0:
		j.two[vr] = 0
		j.w.tell("wire", "%s alone, after %s", j.w.whoAnswers(vr), show(j.w.now-since))
		j.bothAnswered(vr, since)
	}
}

// lookAt has it looked again at an instant. One look is enough, the first.
func (j *Judge) lookAt(vr int, at time.Duration) {
	if t := j.looks[vr]; t != 0 && t <= at {
		return
	}
	j.looks[vr] = at
	j.w.at(at, func() {
		if j.w.due(j.looks[vr]) {
			j.looks[vr] = 0
			j.kernelChanged(vr)
		}
	})
}

// bothAnswered judges a time in which two nodes answered.
func (j *Judge) bothAnswered(vr int, since time.Duration) {
	calm := max(j.calm, j.retried)
	if j.disturbed > 0 || j.w.now < calm {
		return
	}
	allowed := j.bounds.both
	if since < calm+j.bounds.recover {
		allowed = j.bounds.recover
	}
	d := j.w.now - max(since, calm)
	if since >= calm {
		j.longest = max(j.longest, d)
	}
	if d > allowed {
		j.problem("two nodes answered for %s for %s, allowed is %s", j.w.vrs[vr].name, d, allowed)
	}
}

// stepped looks at a set after each event.
func (j *Judge) stepped(n *node, u *unit, ev group.Event) {
	if keeps := u.set.Keeps(); keeps != u.keeps {
		u.keeps, u.freed = keeps, j.w.now
	}
	active := 0
	for i := range u.routers {
		if u.set.Router(i).State() == vrrp.Active {
			active++
		}
	}
	holds := u.set.State() == group.Active
	switch {
	case !holds && active > 0:
		j.problem("%s is %s, but %d routers are active (after event %d)", n.name, u.set.State(), active, ev.Kind)
	case holds && active < len(u.routers):
		since, known := j.split[u]
		if !known {
			j.split[u] = j.w.now
		} else if j.w.now-max(since, n.thawed) > 5*j.bounds.interval+j.bounds.reach {
			j.problem("%s is active, but only %d of %d routers are, since %s", n.name, active, len(u.routers), show(since))
		}
	case len(j.split) > 0:
		delete(j.split, u)
	}
}

// ticked looks whether a set wants to be woken at once again.
func (j *Judge) ticked(n *node, u *unit) {
	if d := u.set.Deadline(); !n.paused && !d.IsZero() && !d.After(n.clock.at(j.w.now)) {
		j.problem("%s: the deadline stays in the past: the loop would be busy", n.name)
	}
}

// recorded looks at what is told to people.
func (j *Judge) recorded(n *node, u *unit, r *group.Record) {
	if r.Reason == "" || r.Group == "" {
		j.problem("%s recorded a %s without a reason or group", n.name, r.Kind)
	}
	if r.Kind != "transition" {
		return
	}
	j.transitions++
	j.lastChange = j.w.now
	k := stateKey{u, r.Group}
	if j.state[k] != r.From {
		j.problem("%s: %s moved from %s, but was %s", n.name, r.Group, r.From, j.state[k])
	}
	j.state[k] = r.To
}

// result counts what was answered.
func (j *Judge) result(n *node, u *unit, _ bool, text string) {
	if u.results > u.ordered {
		j.problem("%s answered %d commands of %d: %s", n.name, u.results, u.ordered, text)
	}
}

// ended looks at a set that has stopped.
func (j *Judge) ended(n *node, u *unit) {
	if u.results != u.ordered {
		j.problem("%s stopped and answered %d commands of %d", n.name, u.results, u.ordered)
	}
}
