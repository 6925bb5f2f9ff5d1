package lease

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// world is a store, machines around it and true time, all made of values. One
// run is a function of its plan.
type world struct {
	plan  plan
	rand  *rand.Rand
	now   Instant // true time
	queue queue
	order uint64

	rev      uint64
	record   Record // rev 0: absent
	history  []Found
	down     bool // the store answers nobody
	machines []*machine

	epochs   []epoch
	faults   bool // they go on
	problems []string
	trace    func(string)
}

// epoch is a hold, as the journals of all nodes together have it.
type epoch struct {
	number uint64
	node   string
	from   Instant
}

// machine is a kernel with a gate, and the process on it.
type machine struct {
	world  *world
	name   string
	offset Instant
	rate   float64
	gate   Instant // by its own clock
	epoch  uint64  // that opened it
	place  string
	cut    bool // from the store

	proc *process
	runs int
}

// process is one run of the daemon.
type process struct {
	machine *machine
	c       *Candidate
	term    time.Duration
	dead    bool
	asleep  Instant // stopped until then
	inbox   []Event
	todo    []Action
	stepped Instant
	waking  bool
	wants   bool
	tick    Instant // scheduled
	watch   uint64
	open    map[uint64]Instant // queries, until when an answer is of use
}

func newWorld(p plan) *world {
	w := &world{plan: p, rand: rand.New(rand.NewPCG(p.seed, 2)), faults: true}
	for i, m := range p.machines {
		k := &machine{
			world: w, name: fmt.Sprintf("n%d", i), rate: m.rate, offset: m.offset,
		}
		if m.placed {
			k.place = "place of " + k.name
		}
		w.machines = append(w.machines, k)
		k.start()
	}
	return w
}

func (w *world) at(t Instant, f func()) {
	w.order++
	heap.Push(&w.queue, happening{max(t, w.now), w.order, f})
}

func (w *world) after(d time.Duration, f func()) { w.at(w.now.Add(d), f) }

func (w *world) run(until Instant) {
	for len(w.queue) > 0 && w.queue[0].at <= until && len(w.problems) == 0 {
		h := heap.Pop(&w.queue).(happening)
		w.now = h.at
		h.do()
	}
	w.now = until
}

func (w *world) tell(format string, args ...any) {
	if w.trace != nil {
		w.trace(fmt.Sprintf("%12.6f ", time.Duration(w.now).Seconds()) + fmt.Sprintf(format, args...))
	}
}

func (w *world) problem(format string, args ...any) {
	text := fmt.Sprintf("at %.6f: ", time.Duration(w.now).Seconds()) + fmt.Sprintf(format, args...)
	w.tell("PROBLEM %s", text)
	w.problems = append(w.problems, text)
}

// clock is what a machine reads at a true time, and true its inverse.
func (m *machine) clock() Instant { return m.offset + Instant(float64(m.world.now)*m.rate) }

func (m *machine) true(t Instant) Instant { return Instant(float64(t-m.offset) / m.rate) }

// set moves the gate. It is the one place where a hold begins or goes on, so
// looking here for others is looking always.
func (m *machine) set(until Instant, number uint64) {
	w := m.world
	was := m.gate
	m.gate = until
	if until <= m.clock() {
		return
	}
	for _, o := range w.machines {
		if o != m && o.gate > o.clock() {
			w.problem("%s holds (epoch %d) while %s holds until %.6f (epoch %d)",
				m.name, number, o.name, time.Duration(o.true(o.gate)).Seconds(), o.epoch)
		}
	}
	if was <= m.clock() || number != m.epoch {
		m.epoch = number
		w.opened(epoch{number, m.name, w.now})
	}
}

// opened is the check of the journals: what opened later has the higher epoch.
func (w *world) opened(e epoch) {
	w.tell("%s opens epoch %d", e.node, e.number)
	if n := len(w.epochs); n > 0 && w.epochs[n-1].number >= e.number && !w.plan.tampered {
		w.problem("%s opens epoch %d after %s had epoch %d", e.node, e.number, w.epochs[n-1].node, w.epochs[n-1].number)
	}
	w.epochs = append(w.epochs, e)
}

func (m *machine) start() {
	m.runs++
	p := m.world.plan
	mine := p.machines[slices.Index(m.world.machines, m)]
	c, err := New(Config{
		Node: m.name, Instance: fmt.Sprintf("%s/%d", m.name, m.runs), Place: m.place, Term: mine.term,
		Preempt: mine.preempt, Delay: mine.delay, Failures: mine.failures, BarredFor: 5 * mine.term,
	})
	if err != nil {
		panic(err)
	}
	m.proc = &process{machine: m, c: c, term: mine.term, open: map[uint64]Instant{}, tick: never}
	m.proc.event(Tick())
	if mine.wants {
		m.proc.want()
	}
}

func (m *machine) kill() {
	m.world.tell("%s is killed", m.name)
	m.proc.dead = true
}

func (p *process) want() { p.event(Want(p.machine.priority())) }

// prepare does what the group does before it says something: its gate is
// closed before it gives the lease back.
func (p *process) prepare(ev Event) {
	switch ev.Kind {
	case EventWant:
		p.wants = true
	case EventRelease:
		p.wants = false
		if !p.machine.world.plan.mutant.opensLate {
			p.machine.set(0, 0)
		}
	}
}

func (m *machine) priority() int {
	return m.world.plan.machines[slices.Index(m.world.machines, m)].priority
}

// event arrives. The process comes to it when it runs, and is given it with a
// clock that was read after that.
func (p *process) event(ev Event) {
	if p.dead {
		return
	}
	p.inbox = append(p.inbox, ev)
	p.wakeUp()
}

func (p *process) wakeUp() {
	if p.waking || p.dead {
		return
	}
	p.waking = true
	w := p.machine.world
	w.at(max(w.now.Add(w.plan.schedule(w)), p.asleep), p.work)
}

func (p *process) work() {
	w := p.machine.world
	p.waking = false
	if p.dead {
		return
	}
	if w.now < p.asleep {
		p.wakeUp()
		return
	}
	if !p.perform() {
		return
	}
	ev := Tick()
	if len(p.inbox) > 0 {
		ev = p.inbox[0]
		p.inbox = p.inbox[1:]
	}
	p.prepare(ev)
	p.stepped = p.machine.clock()
	if w.trace != nil {
		w.tell("  %s steps %+v", p.machine.name, ev)
	}
	p.todo = p.c.Step(p.stepped, ev, p.todo[:0])
	if !p.perform() {
		return
	}
	if len(p.inbox) > 0 {
		p.wakeUp()
	}
	if d := p.c.Deadline(); d != never {
		at := p.machine.true(d) + 1
		if p.tick <= w.now || at < p.tick {
			p.tick = at
			w.at(at, p.wakeUp)
		}
	}
}

// perform carries out what is left to do, and may be stopped between any two
// actions.
func (p *process) perform() bool {
	w := p.machine.world
	for len(p.todo) > 0 {
		if w.faults && w.rand.Float64() < w.plan.stops {
			p.stop(w.plan.pause(w))
			p.wakeUp()
			return false
		}
		a := p.todo[0]
		p.todo = p.todo[1:]
		p.do(p.stepped, a)
	}
	return true
}

func (p *process) stop(d time.Duration) {
	w := p.machine.world
	p.asleep = max(p.asleep, w.now.Add(d))
	w.tell("%s stands still for %s", p.machine.name, d)
}

func (p *process) do(now Instant, a Action) {
	m, w := p.machine, p.machine.world
	switch a.Kind {
	case ActionHold:
		if !p.wants && a.Until > m.clock() {
			w.problem("%s may hold and does not want to", m.name)
		}
		if w.plan.mutant.opensLate && a.Until == 0 {
			return
		}
		if w.plan.mutant.fromAnswer && a.Until != 0 {
			a.Until = now.Add(counted(p.term))
		}
		if a.Until != 0 && a.Epoch == m.epoch && m.gate <= m.clock() {
			// The hold was over before this was said: it is never extended.
			// Whoever keeps it finds out, and begins anew.
			if p.wants {
				p.inbox = append([]Event{Release(), Want(m.priority())}, p.inbox...)
			}
			return
		}
		m.set(a.Until, a.Epoch)
	case ActionQuery:
		if w.trace != nil {
			w.tell("  %s asks %+v", m.name, a.Query)
		}
		p.ask(a.Query)
	case ActionAsked:
		w.tell("%s hears that %s asks", m.name, a.Node)
		if p.wants && w.rand.Float64() < 0.8 {
			p.event(Bequeath(a.Node))
			w.after(2*p.term, p.want)
		}
	}
}

// queue is what will happen, in order.
type happening struct {
	at    Instant
	order uint64
	do    func()
}

type queue []happening

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].order < q[j].order
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(happening)) }
func (q *queue) Pop() any {
	old := *q
	h := old[len(old)-1]
	old[len(old)-1] = happening{}
	*q = old[:len(old)-1]
	return h
}
