package check

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// EventKind names what happened.
type EventKind uint8

const (
	EventStart EventKind = iota // begin, after the delay For
	EventTick                   // the deadline may have been reached
	EventSeen                   // the look that was asked for has ended with Seen
	EventNudge                  // what is looked at may have changed: the deadline is now
)

// Event is one input of [Machine.Step].
type Event struct {
	Kind EventKind
	Seen Seen
	For  time.Duration
}

// ActionKind names what the caller has to do.
type ActionKind uint8

const (
	ActionTry    ActionKind = iota // look once, answer with EventSeen
	ActionTell                     // tell Change to whoever uses the check
	ActionGiveUp                   // the look hangs: it is counted as failed, and its answer will not be used
)

// Action is one output of [Machine.Step].
type Action struct {
	Kind   ActionKind
	Change Change
}

// Grace is how long after its timeout a look may still come back. Then it
// hangs, in a system call that nothing interrupts: a dead NFS server, a driver.
const Grace = time.Second

// Machine is one check at work: it says when to look, and counts what was
// seen. It is pure; its methods are for one goroutine.
type Machine struct {
	set Settings
	rng *rand.Rand

	state  State
	since  time.Time // of the state
	streak int       // answers of one sort in a row; negative: failures
	passes time.Time // since when it has passed without a break
	falls  []time.Time
	damped bool

	next   time.Time // when to look; zero while a look is under way
	began  time.Time // of the look under way, or of the last one
	trying bool
	hung   bool // the look under way was given up
	nudged bool // look again when it has ended
	looks  uint64

	last   Seen
	lastAt time.Time
	took   time.Duration
	worth  Worth
	counts Counts
}

// Counts are sums since the check began.
type Counts struct {
	Passed, Failed, Muted uint64
	Timeouts              uint64 // failures that took all of the timeout
	Hung                  uint64 // looks that were given up
	Changes               uint64 // of the state
}

// View is what a person may want to know of a check.
type View struct {
	State    State
	Since    time.Time
	Streak   int // answers of one sort in a row; negative: failures
	Flapping bool
	Hanging  bool // a look that was given up has not come back yet
	Last     Seen
	LastAt   time.Time // zero: nothing was seen yet
	Took     time.Duration
	Counts   Counts
}

// New makes a machine that does nothing until its Start. The generator
// spreads the looks of many machines; it may be shared with them.
func New(s Settings, rng *rand.Rand) *Machine { return &Machine{set: s, rng: rng} }

// Step takes one event in and appends what has to be done.
func (m *Machine) Step(now time.Time, ev Event, out []Action) []Action {
	switch ev.Kind {
	case EventStart:
		m.next = now.Add(ev.For)
		switch m.set.Initial {
		case InitialUp:
			out = m.enter(now, Up, "not seen yet, taken as passing (initial: up)", out)
		case InitialDown:
			out = m.enter(now, Down, "not seen yet, taken as failing (initial: down)", out)
		default:
			m.since = now
		}
	case EventSeen:
		out = m.seen(now, ev.Seen, out)
	case EventNudge:
		m.nudged = m.trying
		if !m.trying && !m.next.IsZero() {
			m.next = now
		}
	case EventTick:
		out = m.tick(now, out)
	}
	return out
}

func (m *Machine) tick(now time.Time, out []Action) []Action {
	switch {
	case m.trying && !m.hung && !now.Before(m.hangs()):
		return m.giveUp(now, out)
	case !m.trying && !m.next.IsZero() && !now.Before(m.next):
		m.trying, m.began, m.next = true, now, time.Time{}
		m.looks++
		out = append(out, Action{Kind: ActionTry})
	}
	return out
}

// Trying reports whether a look is under way, be it one that was given up.
func (m *Machine) Trying() bool { return m.trying }

// Deadline is when Step wants a Tick; zero means never.
func (m *Machine) Deadline() time.Time {
	switch {
	case m.hung:
		return time.Time{}
	case m.trying:
		return m.hangs()
	}
	return m.next
}

func (m *Machine) hangs() time.Time { return m.began.Add(m.set.Timeout + Grace) }

// giveUp counts a look that does not come back. There is no other one before
// it has: a second would hang beside the first.
func (m *Machine) giveUp(now time.Time, out []Action) []Action {
	m.hung = true
	m.counts.Hung++
	out = append(out, Action{Kind: ActionGiveUp})
	seen := Failed(fmt.Sprintf("hangs: did not end within %s and could not be stopped", m.set.Timeout))
	return m.count(now, seen, out)
}

func (m *Machine) seen(now time.Time, seen Seen, out []Action) []Action {
	if !m.trying {
		return out
	}
	late := m.hung
	m.trying, m.hung = false, false
	if !late {
		out = m.count(now, seen, out)
	}
	m.schedule(now)
	return out
}

// schedule says when to look next: an interval after the last look began, and
// never before now.
func (m *Machine) schedule(now time.Time) {
	every := m.interval()
	if m.looks == 1 {
		// The looks of checks that began together fall apart here.
		every = every/2 + time.Duration(m.rng.Int64N(int64(every/2)+1))
	} else if spread := int64(every) * int64(m.set.Jitter) / 100; spread > 0 {
		every += time.Duration(m.rng.Int64N(2*spread+1) - spread)
	}
	m.next = m.began.Add(every)
	if m.nudged || m.next.Before(now) {
		m.next = now
	}
	m.nudged = false
}

func (m *Machine) interval() time.Duration {
	switch {
	case m.state == Up && m.streak < 0, m.state == Down && m.streak > 0:
		return m.set.FastInterval
	case m.state == Down:
		return m.set.DownInterval
	}
	return m.set.Interval
}

// count takes an answer into account.
func (m *Machine) count(now time.Time, seen Seen, out []Action) []Action {
	m.last, m.lastAt, m.took = seen, now, now.Sub(m.began)
	switch {
	case seen.Mute:
		m.counts.Muted++
		return out
	case seen.OK:
		m.counts.Passed++
		if m.streak <= 0 {
			m.streak, m.passes = 0, now
		}
		m.streak++
	default:
		m.counts.Failed++
		if m.took >= m.set.Timeout {
			m.counts.Timeouts++
		}
		m.streak = min(m.streak, 0) - 1
	}
	if to := m.decide(now); to != m.state {
		return m.enter(now, to, seen.Text, out)
	}
	if m.state == Up && seen.OK && seen.worth() != m.worth {
		return m.tell(m.state, seen.Text, out)
	}
	return out
}

// decide says what the answers so far make of the check.
func (m *Machine) decide(now time.Time) State {
	switch {
	case m.state == Pending:
		// The first answer counts at once.
		if m.streak > 0 {
			return Up
		}
		return Down
	case m.state == Up && -m.streak >= m.set.Fall:
		return Down
	case m.state == Down && m.streak >= m.set.Rise && !m.flaps(now):
		return Up
	}
	return m.state
}

// enter changes the state.
func (m *Machine) enter(now time.Time, to State, text string, out []Action) []Action {
	from := m.state
	m.state, m.since = to, now
	if from != Pending {
		m.counts.Changes++
	}
	if from == Up && to == Down {
		m.fell(now)
	}
	return m.tell(from, text, out)
}

func (m *Machine) tell(from State, text string, out []Action) []Action {
	m.worth = Worth{}
	if m.state == Up && m.last.OK {
		m.worth = m.last.worth()
	}
	return append(out, Action{Kind: ActionTell, Change: Change{From: from, To: m.state, Worth: m.worth, Text: text}})
}

// View copies the machine's facts.
func (m *Machine) View() View {
	return View{
		State: m.state, Since: m.since, Streak: m.streak, Flapping: m.damped, Hanging: m.hung,
		Last: m.last, LastAt: m.lastAt, Took: m.took, Counts: m.counts,
	}
}
