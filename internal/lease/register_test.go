package lease

import (
	"errors"
	"strconv"
)

// This file is the adversarial store: a register that replaces its record
// atomically, and a network around it that does what it likes with questions,
// answers and news.

var errStore = errors.New("the store does not answer")

// ask sends a query on its way.
func (p *process) ask(q Query) {
	m, w := p.machine, p.machine.world
	if q.Kind == Watch {
		p.watch = q.Serial
		if w.plan.rough(w, w.plan.lost) {
			w.after(w.plan.delay(w), func() { p.watchEnds(q.Serial) })
		}
		w.after(w.plan.delay(w), func() { w.news(p, w.found()) })
		return
	}
	w.pile(p, q)
	if w.plan.rough(w, w.plan.lost) {
		w.tell("%s query %d is lost", m.name, q.Serial)
		if w.rand.IntN(2) == 0 {
			p.reply(Answer{Kind: q.Kind, Serial: q.Serial, Err: errStore})
		}
		return
	}
	effect := func() { w.effect(p, q) }
	w.after(w.plan.delay(w), effect)
	if w.plan.rough(w, w.plan.twice) {
		w.after(w.plan.delay(w)+w.plan.delay(w), effect)
	}
}

// pile checks that questions do not pile up before a store that is slow.
func (w *world) pile(p *process, q Query) {
	now := p.machine.clock()
	for s, until := range p.open {
		if until < now {
			delete(p.open, s)
		}
	}
	p.open[q.Serial] = now.Add(q.Within)
	if n := len(p.open); n > mostChained+4 {
		w.problem("%s has %d questions open", p.machine.name, n)
	}
}

func (w *world) found() Found {
	if w.rev == 0 || w.record.Format == 0 {
		return Found{Revision: Absent}
	}
	return Found{Revision: Revision(strconv.FormatUint(w.rev, 10)), Record: w.record}
}

// effect is when a query reaches the store.
func (w *world) effect(p *process, q Query) {
	if w.down || p.machine.cut {
		if w.rand.IntN(2) == 0 {
			p.reply(Answer{Kind: q.Kind, Serial: q.Serial, Err: errStore})
		}
		return
	}
	a := Answer{Kind: q.Kind, Serial: q.Serial}
	switch {
	case q.Kind == Get:
		a.Found = w.found()
		if w.plan.rough(w, w.plan.stale) {
			a = Answer{Kind: q.Kind, Serial: q.Serial, Err: errStore} // a stale read is refused
		}
	case w.meets(q.If) || w.plan.mutant.unconditional:
		w.replace(p, q.Record)
		a.OK, a.Found = true, w.found()
	default:
		a.Found = w.found()
	}
	if q.Kind == Swap && w.plan.curt && !a.OK {
		a.Found = Found{}
	}
	if w.plan.rough(w, w.plan.lost) {
		if w.rand.IntN(2) == 0 {
			p.reply(Answer{Kind: q.Kind, Serial: q.Serial, Err: errStore})
		}
		return
	}
	p.reply(a)
	if w.plan.rough(w, w.plan.twice) {
		p.reply(a)
	}
}

func (w *world) meets(c Condition) bool {
	if c.Revision != "" {
		return c.Revision == w.found().Revision
	}
	return w.record.Format != 0 && string(w.record.Append(nil)) == string(c.After.Append(nil))
}

// replace is the linearization point. What is written obeys the rules, whoever
// wrote it.
func (w *world) replace(p *process, r Record) {
	old := w.record
	w.rev++
	w.record = r
	if w.trace != nil {
		w.tell("store: revision %d by %s: holder %q epoch %d renewal %d next %q ask %v", w.rev, p.machine.name, r.Holder, r.Epoch, r.Renewal, r.Next, r.Ask)
	}
	switch {
	case w.plan.mutant.unconditional || w.plan.tampered:
	case r.Epoch < old.Epoch:
		w.problem("the epoch fell from %d to %d", old.Epoch, r.Epoch)
	case r.Holder != "" && (r.Holder != old.Holder || r.Instance != old.Instance) && r.Epoch <= old.Epoch:
		w.problem("%s follows %q in the same epoch %d", r.Holder, old.Holder, r.Epoch)
	case markOf(&r) != markOf(&old) && r.Renewal <= old.Renewal:
		w.problem("renewal %d follows %d", r.Renewal, old.Renewal)
	}
	w.spread()
}

// spread tells who watches.
func (w *world) spread() {
	f := w.found()
	w.history = append(w.history, f)
	for _, m := range w.machines {
		p := m.proc
		if p.watch == 0 || m.cut {
			continue
		}
		if w.plan.rough(w, w.plan.lost/2) {
			p.watchEnds(p.watch) // compacted, or the connection broke
			continue
		}
		w.after(w.plan.delay(w), func() { w.news(p, f) })
		if w.plan.rough(w, w.plan.twice) {
			old := w.history[w.rand.IntN(len(w.history))]
			w.after(w.plan.delay(w), func() { w.news(p, old) })
		}
	}
}

func (w *world) news(p *process, f Found) {
	if p.watch != 0 && !w.down && !p.machine.cut {
		p.event(Changed(f))
	}
}

func (p *process) watchEnds(serial uint64) {
	p.watch = 0
	p.event(Answered(Answer{Kind: Watch, Serial: serial, Err: errStore}))
}

func (p *process) reply(a Answer) {
	w := p.machine.world
	w.after(w.plan.delay(w), func() {
		if !p.dead {
			delete(p.open, a.Serial)
			p.event(Answered(a))
		}
	})
}
