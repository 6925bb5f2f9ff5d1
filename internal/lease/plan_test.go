package lease

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// plan is one run: machines, a store, and what befalls them.
type plan struct {
	seed     uint64
	machines []machinePlan
	latency  time.Duration // of the store, one way, when nothing is wrong
	lost     float64
	late     float64 // a message takes up to ten terms
	twice    float64
	stale    float64
	stops    float64 // a process stands still before an action
	curt     bool    // the store does not say what is there instead
	calm     bool    // nothing is wrong with messages and processes
	tampered bool    // an operator deletes the record
	faults   []fault
	end      Instant
	mutant   mutant
}

type machinePlan struct {
	term     time.Duration
	rate     float64
	offset   Instant
	placed   bool
	wants    bool
	preempt  bool
	delay    time.Duration
	failures int
	priority int
}

// fault is something that happens at a true time.
type fault struct {
	at   Instant
	text string
	do   func(*world)
}

// mutant is a rule that is broken on purpose, to see that it is noticed.
type mutant struct {
	fromAnswer    bool // a hold is counted from the answer, not from the question
	unconditional bool // the store replaces whatever is there
	opensLate     bool // a lease is given back before the gate is closed
	hasty         bool // challengers wait for half of a term
}

func (p *plan) rough(w *world, chance float64) bool {
	return w.faults && !p.calm && w.rand.Float64() < chance
}

// delay is how long a message takes.
func (p *plan) delay(w *world) time.Duration {
	d := p.latency/2 + time.Duration(w.rand.Int64N(int64(p.latency/2)+1))
	if p.rough(w, p.late) {
		d += time.Duration(w.rand.Int64N(int64(p.longest() * 10)))
	}
	return d
}

// schedule is how long a process takes to get to its work.
func (p *plan) schedule(w *world) time.Duration {
	if p.rough(w, p.stops) {
		return p.pause(w)
	}
	return time.Duration(w.rand.Int64N(int64(300 * time.Microsecond)))
}

// pause is around a term: there it hurts.
func (p *plan) pause(w *world) time.Duration {
	t := int64(p.longest())
	if w.rand.IntN(4) == 0 {
		return time.Duration(w.rand.Int64N(5 * t))
	}
	return time.Duration(w.rand.Int64N(t + t/4))
}

func (p *plan) longest() time.Duration {
	var t time.Duration
	for _, m := range p.machines {
		t = max(t, m.term)
	}
	return t
}

func (p *plan) shortest() time.Duration {
	t := p.longest()
	for _, m := range p.machines {
		t = min(t, m.term)
	}
	return t
}

var terms = [...]time.Duration{200 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second}

func randomPlan(seed uint64) plan {
	c := rand.New(rand.NewPCG(seed, 1))
	often := func(p float64) bool { return c.Float64() < p }
	upTo := func(d time.Duration) time.Duration { return time.Duration(c.Int64N(int64(d) + 1)) }
	term := terms[c.IntN(len(terms))]
	mixed := often(0.2)
	// Nobody can know the term of a record that is gone.
	p := plan{seed: seed, calm: often(0.15), curt: often(0.15), tampered: !mixed && often(0.1)}
	level := []float64{0, 0.01, 0.05, 0.2}[c.IntN(4)]
	p.lost, p.twice, p.stale = level*c.Float64(), level*c.Float64(), level*c.Float64()
	p.late = level * c.Float64()
	p.stops = []float64{0, 0.002, 0.01, 0.05}[c.IntN(4)]
	for range 2 + c.IntN(3) {
		m := machinePlan{
			term: term, rate: 1, offset: Instant(upTo(time.Hour)), placed: often(0.5), wants: often(0.9),
			preempt: often(0.5), priority: 50 + c.IntN(5)*50,
		}
		if mixed {
			m.term = terms[c.IntN(len(terms))]
		}
		if often(0.5) {
			m.rate = 0.96 + 0.08*c.Float64()
		}
		if often(0.3) {
			m.delay = upTo(3 * term)
		}
		if often(0.2) {
			m.failures = 1 + c.IntN(2)
		}
		p.machines = append(p.machines, m)
	}
	span := 30 * p.longest()
	p.end = Instant(span)
	shortest := p.shortest()
	p.latency = []time.Duration{time.Millisecond, shortest / 100, shortest / 10, shortest / 5}[c.IntN(4)]
	if 2*p.latency > pace(shortest)/2 {
		for i := range p.machines {
			p.machines[i].preempt = false // the holder renews before an Ask gets there
		}
	}
	for range c.IntN(12) {
		p.faults = append(p.faults, p.misfortune(c, span))
	}
	return p
}

func (p *plan) misfortune(c *rand.Rand, span time.Duration) fault {
	at := Instant(c.Int64N(int64(span)))
	n := c.IntN(len(p.machines))
	term := int64(p.longest())
	d := time.Duration(c.Int64N(3 * term))
	f := fault{at: at}
	switch c.IntN(9) {
	case 0, 1:
		f.text = fmt.Sprintf("n%d crashes, and starts after %s", n, d)
		f.do = func(w *world) {
			m := w.machines[n]
			m.kill()
			w.after(d, func() {
				if m.proc.dead {
					m.start()
				}
			})
		}
	case 2:
		f.text = fmt.Sprintf("n%d stands still for %s", n, d)
		f.do = func(w *world) { w.machines[n].proc.stop(d) }
	case 3:
		f.text = fmt.Sprintf("the store is down for %s", d)
		f.do = func(w *world) {
			w.down = true
			w.after(d, func() { w.down = false })
		}
	case 4:
		f.text = fmt.Sprintf("n%d is cut from the store for %s", n, d)
		f.do = func(w *world) {
			m := w.machines[n]
			m.cut = true
			w.after(d, func() { m.cut = false })
		}
	case 5, 6:
		to, chosen := c.IntN(len(p.machines)+1), c.IntN(2) == 0
		f.text = fmt.Sprintf("n%d gives it back for n%d (chosen %t), wants again after %s", n, to, chosen, d)
		f.do = func(w *world) {
			ev := Release()
			if to < len(w.machines) {
				ev = Event{Kind: EventRelease, Next: w.machines[to].name, Chosen: chosen}
			}
			q := w.machines[n].proc
			q.event(ev)
			w.after(d, q.want)
		}
	case 7:
		f.text = fmt.Sprintf("n%d fails", n)
		f.do = func(w *world) { w.machines[n].proc.event(Failed()) }
	default:
		if !p.tampered {
			f.text, f.do = "nothing", func(*world) {}
			return f
		}
		f.text = "the record is deleted"
		f.do = func(w *world) {
			w.rev++
			w.record = Record{}
			w.spread()
		}
	}
	return f
}
