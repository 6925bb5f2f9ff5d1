package hold

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// The promise, tried out: two nodes on a link that loses nothing, which take
// their steps in the order that doc.go gives, and are stopped between any two
// of them. Whatever the pauses, never do both announce.
//
// Each node is the smallest thing that keeps the rules: it claims, listens,
// opens, extends, and lets go of what a better one wants. Package group does
// the same in earnest.

const (
	interval = 100 * time.Millisecond
	delay    = 2 * time.Millisecond // less than Listen
)

// message is what one node says to the other.
type message struct {
	at    Instant // when it arrives
	yield bool
}

// actor is one node. step is what it does next.
type actor struct {
	name   string
	better bool // of two that claim, this one goes on
	k      Keeper
	gate   Doors
	other  *actor
	now    *Instant
	inbox  []message
	pauses []time.Duration // before its steps
	steps  int
	at     Instant // of the next step
	step   func()
	told   []string

	before, after Instant
	looked        Instant // when what was read had arrived
	heard         Instant // the other's last advert, or the beginning
	bars          Instant // until when the other may hold
	listening     Instant
	rounds        int
	yielding      bool
}

func (a *actor) then(at Instant, step func()) { a.at, a.step = max(at, *a.now), step }

func (a *actor) next(step func()) { a.then(*a.now, step) }

// store is one store into the gate.
func (a *actor) store(d Doors, step func()) { a.next(func() { a.gate = d; a.next(step) }) }

func (a *actor) say(m message) {
	m.at = a.now.Add(delay)
	a.other.inbox = append(a.other.inbox, m)
}

// begin claims.
func (a *actor) begin() { a.store(a.k.Move(*a.now, Claiming, Term(interval, 3)), a.advertise) }

// advertise extends the claim or the hold, in the steps of doc.go.
func (a *actor) advertise() {
	if !a.k.May(*a.now) {
		a.next(a.listen)
		return
	}
	a.next(func() {
		a.before = *a.now
		a.next(func() {
			if *a.now < max(a.gate.Announced, a.gate.Advertised) { // the gate
				a.say(message{})
			}
			a.next(func() { a.after = *a.now; a.next(a.spoke) })
		})
	})
}

func (a *actor) spoke() {
	doors, ok := a.k.Spoke(a.before, a.after)
	if !ok {
		a.next(a.listen)
		return
	}
	a.store(doors, func() {
		if a.k.Level() == Claiming && a.listening == 0 {
			a.listening = a.now.Add(Listen(interval))
		}
		a.then(a.due(), a.listen)
	})
}

// due is when a node has to look again.
func (a *actor) due() Instant {
	due := a.before.Add(interval)
	if a.k.Level() == Claiming {
		due = min(due, max(a.listening, a.bars))
	}
	for _, m := range a.inbox {
		due = min(due, m.at)
	}
	return due
}

// listen is the top of the loop: the clock is read before what has arrived is.
func (a *actor) listen() {
	a.looked = *a.now
	a.next(a.read)
}

func (a *actor) read() {
	kept := a.inbox[:0]
	for _, m := range a.inbox {
		switch {
		case m.at > *a.now:
			kept = append(kept, m)
		case m.yield:
			a.bars = 0
		default:
			a.heard = *a.now
			a.bars = a.now.Add(Patience(interval, 3))
			a.yielding = !a.better && a.k.Level() != Closed
		}
	}
	a.inbox = kept
	a.next(a.judge)
}

func (a *actor) judge() {
	switch late := a.k.Lapsed(a.looked); {
	case late, a.yielding && a.k.Level() != Closed:
		a.store(a.k.Move(*a.now, Closed, 0), func() {
			a.say(message{yield: true})
			a.then(*a.now+Instant(time.Hour), func() {}) // it takes no more part
		})
	case a.k.Level() == Closed:
		if a.looked >= a.heard.Add(Patience(interval, 3)) {
			a.next(a.begin)
			return
		}
		due := a.heard.Add(Patience(interval, 3))
		for _, m := range a.inbox {
			due = min(due, m.at)
		}
		a.then(due, a.listen)
	case a.k.Level() == Claiming && a.looked >= a.listening && a.looked >= a.bars:
		a.store(a.k.Move(*a.now, Holding, Term(interval, 3)), a.advertise)
	case a.looked >= a.before.Add(interval):
		if a.rounds++; a.rounds == 2 {
			a.then(*a.now+Instant(time.Hour), func() {}) // it is stopped for good
			return
		}
		a.next(a.advertise)
	default:
		a.then(max(a.due(), *a.now+1), a.listen)
	}
}

// take runs one step, after its pause.
func (a *actor) take() {
	if a.steps < len(a.pauses) && a.pauses[a.steps] > 0 {
		d := a.pauses[a.steps]
		a.pauses[a.steps] = 0
		a.told = append(a.told, fmt.Sprintf("%s pauses for %s before step %d", a.name, d, a.steps))
		a.at = a.at.Add(d)
		return
	}
	a.steps++
	a.step()
}

// stage is what a run begins with.
type stage struct {
	name   string
	begins [2]func(a *actor)
}

func waits(d time.Duration) func(*actor) {
	return func(a *actor) { a.then(a.now.Add(d), a.begin) }
}

func listens(a *actor) { a.heard = *a.now; a.then(a.now.Add(Patience(interval, 3)), a.listen) }

func holds(a *actor) {
	a.k.Move(*a.now, Claiming, Term(interval, 3))
	a.k.Move(*a.now, Holding, Term(interval, 3))
	a.gate, _ = a.k.Spoke(*a.now, *a.now)
	a.say(message{})
	a.before = *a.now
	a.then(a.now.Add(interval), a.listen)
}

var stages = []stage{
	{"both claim at once", [2]func(*actor){waits(0), waits(0)}},
	{"the better one claims a moment later", [2]func(*actor){waits(0), waits(delay / 2)}},
	{"the better one claims when it could have heard", [2]func(*actor){waits(0), waits(delay + 1)}},
	{"the worse one claims a moment later", [2]func(*actor){waits(delay / 2), waits(0)}},
	{"the worse one claims when the other opens", [2]func(*actor){waits(Listen(interval)), waits(0)}},
	{"the worse one holds, the other waits", [2]func(*actor){holds, listens}},
	{"the better one holds, the other waits", [2]func(*actor){listens, holds}},
}

// play runs a stage with pauses before the steps of both nodes. It gives what
// went wrong, and who has announced at all.
func play(s stage, pauses [2][]time.Duration) (problem string, announced [2]bool) {
	now := at(0)
	nodes := [2]*actor{{name: "worse", now: &now}, {name: "better", better: true, now: &now}}
	nodes[0].other, nodes[1].other = nodes[1], nodes[0]
	for i, a := range nodes {
		a.pauses = pauses[i]
		s.begins[i](a)
	}
	for range 500 {
		a := nodes[0]
		if nodes[1].at < a.at {
			a = nodes[1]
		}
		if a.at > at(10*time.Second) {
			break
		}
		now = a.at
		a.take()
		both := true
		for i, a := range nodes {
			announced[i] = announced[i] || now < a.gate.Announced
			both = both && now < a.gate.Announced
		}
		if both {
			told := append(nodes[0].told, nodes[1].told...)
			return fmt.Sprintf("%s: both announce after %s:\n%s", s.name, now.Sub(at(0)), strings.Join(told, "\n")), announced
		}
	}
	return "", announced
}

// Without pauses one of two that claim holds, in the end the better one; and
// who waits beside a holder that is stopped for good holds after it.
func TestModel_Undisturbed(t *testing.T) {
	want := [...][2]bool{{false, true}, {false, true}, {true, true}, {false, true}, {false, true}, {true, true}, {true, true}}
	for i, s := range stages {
		problem, announced := play(s, [2][]time.Duration{})
		if problem != "" || announced != want[i] {
			t.Errorf("%s: announced %v, want %v. %s", s.name, announced, want[i], problem)
		}
	}
}

// steps is before how many steps of each node there may be a pause: those of a
// claim, of opening and of the first extension.
const steps = 22

// lengths are the pauses that make a difference.
var lengths = []time.Duration{
	Listen(interval) + delay, Term(interval, 3), 2 * Patience(interval, 3), delay + 1, Term(interval, 3) - interval/2,
}

// Every way to pause up to twice, before any step of either node, and where
// two do the same at once, up to three times.
func TestModel_PausesAnywhere(t *testing.T) {
	for i, s := range stages {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			tryAll(t, s, 2, lengths)
			if !testing.Short() && (i == 0 || i == 5) {
				tryAll(t, s, 3, lengths[:3])
			}
		})
	}
}

func tryAll(t *testing.T, s stage, most int, lengths []time.Duration) {
	pauses := [2][]time.Duration{make([]time.Duration, steps), make([]time.Duration, steps)}
	var try func(from, left int) bool
	try = func(from, left int) bool {
		// play uses up what it is given.
		if problem, _ := play(s, [2][]time.Duration{slices.Clone(pauses[0]), slices.Clone(pauses[1])}); problem != "" {
			t.Error(problem)
			return false
		}
		for p := from; p < 2*steps && left > 0; p++ {
			for _, d := range lengths {
				pauses[p/steps][p%steps] = d
				if !try(p+1, left-1) {
					return false
				}
			}
			pauses[p/steps][p%steps] = 0
		}
		return true
	}
	try(0, most)
}
