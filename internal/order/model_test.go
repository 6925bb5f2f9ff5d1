package order

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// world is a machine, a disk and a runner, that fail as a seed says.
type world struct {
	t     *testing.T
	rng   *rand.Rand
	now   time.Time
	m     *Machine
	plan  Plan
	disk  Book   // what a crash leaves
	queue []due  // what comes back
	up    []Step // what is done in the world, in the order in which it was
	prev  Run
	run   *Run // what runs
	tale  []string
	epoch uint64 // the greatest that any step was given when taking

	takes, leaves int // that wait for their answer
	stuck         bool
	outcomes      map[Outcome]int
	crashes       int
	hostile       bool
}

type due struct {
	at time.Time
	ev Event
	// the write of a book has come to the disk by then
	book *Book
}

var errWorld = errors.New("exit status 1")

func newWorld(t *testing.T, seed uint64) *world {
	w := &world{
		t: t, rng: rand.New(rand.NewPCG(seed, 7)), now: time.Unix(1_000_000, 0), outcomes: map[Outcome]int{}, hostile: true,
	}
	for i := range 1 + w.rng.IntN(4) {
		s := Step{Name: fmt.Sprintf("step %d", i), Undo: w.rng.IntN(4) > 0, Alone: w.rng.IntN(4) == 0}
		if w.rng.IntN(5) == 0 {
			s.Again = time.Second
		}
		w.plan.Steps = append(w.plan.Steps, s)
	}
	if w.rng.IntN(2) == 0 {
		w.plan.Ready = []string{"a", "b"}[:1+w.rng.IntN(2)]
	}
	w.m = New("web", w.plan, Book{})
	return w
}

func (w *world) fatal(format string, args ...any) {
	w.t.Helper()
	for _, line := range w.tale {
		w.t.Log(line)
	}
	w.t.Fatalf(format, args...)
}

func (w *world) say(format string, args ...any) {
	w.tale = append(w.tale, fmt.Sprintf("%8s ", w.now.Sub(time.Unix(1_000_000, 0)))+fmt.Sprintf(format, args...))
}

func (w *world) chance(oneIn int) bool { return w.hostile && w.rng.IntN(oneIn) == 0 }

func (w *world) step(ev Event) {
	w.say("event %d %s %s%v", ev.Kind, ev.Check, ev.Reason, ev.Err)
	for _, a := range w.m.Step(w.now, ev, nil) {
		w.perform(a)
	}
	if d := w.m.Deadline(); !d.IsZero() && d.Before(w.now) {
		w.fatal("the deadline %s is past", d)
	}
}

func (w *world) post(after time.Duration, d due) {
	d.at = w.now.Add(after)
	w.queue = append(w.queue, d)
}

func (w *world) perform(a Action) {
	switch a.Kind {
	case ActionSave:
		delay := time.Duration(w.rng.IntN(20)) * time.Millisecond
		if w.chance(30) {
			delay = 40 * time.Second
		}
		if w.chance(20) {
			w.post(delay, due{ev: Saved(a.Serial, errors.New("cannot write book: disk full"))})
			return
		}
		// Writes reach the disk in their order.
		for _, d := range w.queue {
			if d.book != nil && d.at.Sub(w.now) > delay {
				delay = d.at.Sub(w.now)
			}
		}
		w.post(delay, due{ev: Saved(a.Serial, nil), book: &a.Book})
	case ActionRun:
		w.begin(a.Run)
	case ActionKill:
		if w.run == nil {
			w.fatal("killed what does not run")
		}
		w.say("kill %s", w.run.Step.Name)
		i := slices.IndexFunc(w.queue, func(d due) bool { return d.ev.Kind == EventStepDone })
		ends := w.now.Add(time.Duration(w.rng.IntN(3000)) * time.Millisecond)
		if w.chance(10) {
			ends = w.now.Add(time.Minute)
		}
		if ends.Before(w.queue[i].at) || w.queue[i].at.Sub(w.now) > time.Hour {
			w.queue[i].at = ends
		}
	case ActionFinished:
		w.finished(a)
	case ActionRecord:
		w.say("%s %s", a.Code, a.Reason)
		if a.Reason == "" {
			w.fatal("a record says nothing")
		}
	}
}

func (w *world) begin(r Run) {
	w.say("run %s %s as %s because %q, epoch %d", r.Direction, r.Step.Name, r.Role, r.Reason, r.Epoch)
	if w.run != nil {
		w.fatal("%s runs while %s does", r.Step.Name, w.run.Step.Name)
	}
	if r.Reason == "" || r.Role == "" {
		w.fatal("%s has no reason or role", r.Step.Name)
	}
	if r.Direction == Taking {
		again := w.prev.Direction == Taking && w.prev.Step.Name == r.Step.Name && r.Step.Again > 0
		if first := r.Step.Name == "step 0" && !again; r.Epoch < w.epoch || first && r.Epoch == w.epoch {
			w.fatal("epoch %d after %d", r.Epoch, w.epoch)
		}
		w.epoch = r.Epoch
		if r.Step.Undo && !slices.ContainsFunc(w.disk.Begun, w.named(r.Step)) {
			w.fatal("%s begins and a crash would forget it", r.Step.Name)
		}
		if w.disk.Epoch != r.Epoch {
			w.fatal("epoch %d is used, %d is on disk", r.Epoch, w.disk.Epoch)
		}
		if r.Step.Undo && !slices.ContainsFunc(w.up, w.named(r.Step)) {
			w.up = append(w.up, r.Step)
		}
	} else {
		w.mayUndo(r.Step)
	}
	w.run, w.prev = &r, r
	took := time.Duration(w.rng.IntN(5000)) * time.Millisecond
	if w.chance(12) {
		took = 24 * time.Hour // until it is killed
	}
	var err error
	if w.chance(6) {
		err = errWorld
	}
	w.post(took, due{ev: StepDone(err, "")})
}

func (w *world) named(s Step) func(Step) bool {
	return func(o Step) bool { return o.Name == s.Name }
}

// mayUndo judges the order: what was begun after it is undone, unless it stands
// alone.
func (w *world) mayUndo(s Step) {
	if !s.Undo {
		w.fatal("%s is undone, and cannot be", s.Name)
	}
	i := slices.IndexFunc(w.up, w.named(s))
	if i >= 0 && i < len(w.up)-1 && !s.Alone {
		w.fatal("%s is undone before %s", s.Name, w.up[len(w.up)-1].Name)
	}
	if i < 0 && w.crashes == 0 {
		w.fatal("%s is undone twice", s.Name)
	}
}

func (w *world) ended(ev Event, killed bool) {
	r := *w.run
	w.run = nil
	if r.Direction == Leaving && ev.Err == nil && !killed {
		w.up = slices.DeleteFunc(w.up, w.named(r.Step))
	}
}

func (w *world) finished(a Action) {
	w.say("finished: %s, %s, epoch %d", a.Outcome, a.Reason, a.Epoch)
	w.outcomes[a.Outcome]++
	if a.Reason == "" {
		w.fatal("finished without a reason")
	}
	switch a.Outcome {
	case Took:
		for _, s := range w.plan.Steps {
			if s.Undo && !slices.ContainsFunc(w.up, w.named(s)) {
				w.fatal("took, but %s is not done", s.Name)
			}
		}
		w.takes = 0
	case Failed:
		w.takes = 0
		if !w.stuck && len(w.up) > 0 {
			w.fatal("failed, but %s is left", w.up[0].Name)
		}
	case Left:
		w.leaves, w.stuck = 0, false
		if len(w.up) > 0 {
			w.fatal("left, but %s is left", w.up[0].Name)
		}
	case Stuck:
		w.takes, w.leaves, w.stuck = 0, 0, true
		if len(w.up) == 0 && w.run == nil && w.crashes == 0 {
			w.fatal("stuck, but nothing is left")
		}
	}
	if w.run != nil && a.Outcome != Stuck && a.Outcome != Failed {
		w.fatal("%s, but %s still runs", a.Outcome, w.run.Step.Name)
	}
}

// crash is a kill -9: what runs dies with the daemon, what was not on disk is
// gone.
func (w *world) crash() {
	w.say("crash; begun on disk: %d", len(w.disk.Begun))
	w.crashes++
	w.queue, w.run, w.takes, w.leaves, w.stuck = nil, nil, 0, 0, false
	for _, s := range w.up {
		if !slices.ContainsFunc(w.disk.Begun, w.named(s)) {
			w.fatal("%s is forgotten", s.Name)
		}
	}
	w.m = New("web", w.plan, w.disk.clone())
	w.leave()
}

func (w *world) leave() {
	w.takes, w.leaves = 0, w.leaves+1
	w.step(Leave("backup", "no fun"))
}

func (w *world) take() {
	w.takes++
	w.step(Take("fun", uint64(w.rng.IntN(3))*w.m.book.Epoch))
}

// advance goes to the next instant at which something happens, until the given
// one.
func (w *world) advance(until time.Time) {
	for {
		at, i := until, -1
		for j, d := range w.queue {
			if !d.at.After(at) && (i < 0 || d.at.Before(w.queue[i].at)) {
				at, i = d.at, j
			}
		}
		if d := w.m.Deadline(); !d.IsZero() && d.Before(at) {
			w.now = later(w.now, d)
			w.step(Tick())
			continue
		}
		w.now = later(w.now, at)
		if i < 0 {
			return
		}
		d := w.queue[i]
		w.queue = slices.Delete(w.queue, i, i+1)
		if d.book != nil {
			w.disk = *d.book
		}
		if d.ev.Kind == EventStepDone {
			w.ended(d.ev, !w.m.current.killed.IsZero())
		}
		w.step(d.ev)
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (w *world) live(moves int) {
	for range moves {
		w.advance(w.now.Add(time.Duration(w.rng.IntN(20000)) * time.Millisecond))
		switch k := w.rng.IntN(20); {
		case k < 6:
			w.take()
		case k < 10:
			w.leave()
		case k < 11:
			w.crash()
		case k < 12 && w.m.Still() && len(w.queue) == 0:
			w.m = Inherit("web", w.plan, w.m.Estate())
			w.step(Tick())
		default:
			for _, c := range w.plan.Ready {
				w.step(ReadyNews(c, w.rng.IntN(4) > 0, "refused", w.now))
			}
		}
	}
	// In a friendly world everything asked for comes to its end.
	w.hostile = false
	w.leave()
	w.advance(w.now.Add(48 * time.Hour))
	if w.takes+w.leaves > 0 || w.stuck || len(w.up) > 0 || w.run != nil || w.m.phase != clean {
		w.fatal("not clean in the end: %d takes, %d leaves wait, stuck %v, %d done, phase %s", w.takes, w.leaves, w.stuck, len(w.up), w.m.phase)
	}
	w.take()
	w.advance(w.now.Add(time.Minute / 2))
	for _, c := range w.plan.Ready {
		w.step(ReadyNews(c, true, "", w.now))
	}
	w.advance(w.now.Add(time.Minute))
	if w.m.phase != taken || w.takes > 0 {
		w.fatal("not taken in the end, but %s", w.m.phase)
	}
}

// Whatever fails, hangs or crashes: no two steps at once, nothing begun is
// forgotten, nothing is undone before what stands on it, epochs grow, every
// question is answered, and in the end all is undone.
func TestModel(t *testing.T) {
	n := 4000
	if testing.Short() {
		n = 1000
	}
	outcomes := map[Outcome]int{}
	for seed := range uint64(n) {
		w := newWorld(t, seed)
		w.say("seed %d", seed)
		w.live(40)
		for o, k := range w.outcomes {
			outcomes[o] += k
		}
	}
	t.Log(n, "seeds:", outcomes)
	for _, o := range []Outcome{Took, Failed, Left, Stuck} {
		if outcomes[o] < n/4 {
			t.Errorf("only %d ended as %s: the worlds are too friendly or too hostile", outcomes[o], o)
		}
	}
}
