package run

import (
	"context"
	"io"
	"math/rand/v2"
	"reflect"
	"sync"
	"time"

	"github.com/holdfast-net/holdfast/internal/check"
)

// Options is what a runner needs.
type Options struct {
	// Probe makes the probe of a kind. It is not called for kinds that are
	// made of others.
	Probe func(check.Kind) check.Probe
	// Tell hears what changed, check by check in order, from one goroutine at
	// a time. It must not block, and not call the runner.
	Tell func(name string, c check.Change)
	// Looked hears of every look that has ended, and when it began; nil: nobody
	// wants to. It must not block, and not call the runner.
	Looked func(name string, s check.Seen, begun time.Time)
	// Workers is how many looks may be under way at once. 0: DefaultWorkers.
	Workers int
}

// DefaultWorkers is enough for 4,000 looks a second that take a quarter of a
// second each; a worker that sleeps in the kernel costs some kilobytes.
const DefaultWorkers = 1024

// Runner looks. Its methods may be called from any goroutine.
type Runner struct {
	opt  Options
	rng  *rand.Rand
	work workers
	wake chan struct{} // something for the loop to do; holds one

	mu      sync.Mutex
	ctx     context.Context // of the looks; nil: the loop does not run
	items   map[string]*item
	made    []*composite // each after what it is made of
	due     queue        // by when to look
	pending queue        // looks under way, by when they count as hanging
	acts    []check.Action
	figures Figures
}

// item is one check that looks.
type item struct {
	spec    check.Spec
	probe   check.Probe
	machine *check.Machine
	entry   entry
	cancel  context.CancelFunc // of the look under way; nil: none is
	begun   time.Time          // when that began, or waits to
	gone    bool               // forgotten while a look is under way
	lost    bool               // the look under way was given up
}

// New makes a runner that does nothing until Run.
func New(opt Options) *Runner {
	if opt.Workers == 0 {
		opt.Workers = DefaultWorkers
	}
	return &Runner{
		opt: opt, items: map[string]*item{}, wake: make(chan struct{}, 1), work: newWorkers(opt.Workers),
		rng: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())),
	}
}

// Apply brings the checks in line with specs, whose composed ones name checks
// among them, without a circle. A check whose spec is the same keeps its
// state; others begin anew, one shortly after the other.
func (r *Runner) Apply(specs []check.Spec) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	wanted := make(map[string]bool, len(specs))
	var fresh []*item
	for _, s := range specs {
		if check.Members(s.Kind) != nil {
			continue
		}
		wanted[s.Name] = true
		if old := r.items[s.Name]; old != nil {
			if reflect.DeepEqual(old.spec, s) {
				continue
			}
			r.forget(old)
		}
		it := &item{spec: s, probe: r.opt.Probe(s.Kind), machine: check.New(s.Settings, r.rng)}
		it.entry.item = it
		r.items[s.Name] = it
		fresh = append(fresh, it)
	}
	for name, it := range r.items {
		if !wanted[name] {
			r.forget(it)
			delete(r.items, name)
		}
	}
	r.make(now, specs)
	for i, it := range fresh {
		r.opt.Tell(it.spec.Name, check.Change{Text: "no result yet"})
		r.step(now, it, check.Event{Kind: check.EventStart, For: stagger(i, len(fresh), it.spec.Interval)})
	}
	r.compose(now)
	r.poke()
}

// spread is the time over which the checks of a file begin: long enough that
// thousands are no herd, short enough that no group waits for its own.
const spread = 2 * time.Second

// stagger is when the i-th of n checks begins: a millisecond after the one
// before, or less where that would take long.
func stagger(i, n int, interval time.Duration) time.Duration {
	d := time.Duration(i) * min(time.Millisecond, spread/time.Duration(n))
	return min(d, interval)
}

// forget lets go of an item. Its probe is closed when no look is under way
// any more; one that is may still hang, and stays in its queue for that.
func (r *Runner) forget(it *item) {
	r.due.remove(&it.entry)
	it.gone = true
	if it.cancel != nil {
		it.cancel()
		return
	}
	it.close()
}

func (it *item) close() {
	if c, ok := it.probe.(io.Closer); ok {
		_ = c.Close() // there is nobody left whom its trouble would concern
	}
}

// Nudge makes the checks of the kinds that concerned picks look at once,
// because what they look at may have changed.
func (r *Runner) Nudge(concerned func(check.Kind) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	for _, it := range r.items {
		if concerned(it.spec.Kind) {
			r.step(now, it, check.Event{Kind: check.EventNudge})
		}
	}
	r.poke()
}

// poke wakes the loop.
func (r *Runner) poke() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// step steps a machine, performs what it wants, and queues it again.
func (r *Runner) step(now time.Time, it *item, ev check.Event) {
	r.acts = it.machine.Step(now, ev, r.acts[:0])
	told := false
	for _, a := range r.acts {
		switch a.Kind {
		case check.ActionTry:
			r.look(it)
		case check.ActionGiveUp:
			r.giveUp(it)
		case check.ActionTell:
			if told = !it.gone; told {
				r.opt.Tell(it.spec.Name, a.Change)
			}
		}
	}
	r.enqueue(it)
	if told {
		r.compose(now)
	}
}

// enqueue puts an item into the queue that its deadline belongs to.
func (r *Runner) enqueue(it *item) {
	q, other := &r.due, &r.pending
	if it.machine.Trying() {
		q, other = other, q
	}
	other.remove(&it.entry)
	if d := it.machine.Deadline(); !d.IsZero() {
		q.set(&it.entry, d)
	} else {
		q.remove(&it.entry)
	}
}
