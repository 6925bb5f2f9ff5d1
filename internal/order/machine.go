package order

import (
	"time"
)

// phase is where the transaction is.
type phase uint8

const (
	clean   phase = iota // nothing is begun
	dirty                // something is begun, from before a crash
	taking               // steps are being done, or checks waited for
	taken                // all is done
	leaving              // steps are being undone
	stuck                // something could not be undone, and is tried again later
)

func (p phase) String() string {
	return [...]string{"clean", "dirty", "taking", "taken", "leaving", "stuck"}[p]
}

// Machine is the transaction of one group. Its methods are for one goroutine.
type Machine struct {
	group string
	plan  Plan
	book  Book
	phase phase

	steps   []Step // of the take that is under way: a reload changes the next one
	next    int    // the first of steps that was not begun
	current *running
	why     string // why it is taken
	failure string // why the take is called off; "": it is not
	role    string // what the group becomes when it leaves
	reason  string // why it leaves
	pending *Event // the take that follows a leave

	serial  uint64 // of the last save
	saving  bool   // a step waits for it
	unsaved bool   // the book is not what was saved last
	until   time.Time
	again   time.Time       // when a question is put again
	answer  string          // what it was told last
	readyAt time.Time       // when the last step had ended
	ready   map[string]bool // checks that pass since
	unready map[string]string

	at      int    // Begun[at:] was tried in this round of undoing
	blocked string // why a step could not be undone in this round
	asked   bool   // somebody waits for the end of the leave
	told    bool   // Stuck was given, and Left follows
	pause   time.Duration
	retry   time.Time

	now time.Time
	out []Action
}

// running is a step that runs.
type running struct {
	Run
	begun   time.Time
	killed  time.Time // zero: it was not
	why     string    // it was killed
	outlast bool      // it outlasts its being killed
}

// New makes the machine of a group. book is what an earlier process left: where
// something is begun in it, begin with a Leave.
func New(group string, plan Plan, book Book) *Machine {
	m := &Machine{group: group, plan: plan, book: book.clone(), role: "init", reason: "the daemon started"}
	if len(book.Begun) > 0 {
		m.phase = dirty
	}
	return m
}

// Reconfigure gives the next take another plan. What is begun stays, and is
// undone as it was begun.
func (m *Machine) Reconfigure(plan Plan) { m.plan = plan }

// Step takes one event and appends what follows from it to out.
func (m *Machine) Step(now time.Time, ev Event, out []Action) []Action {
	m.now, m.out = now, out
	switch ev.Kind {
	case EventTake:
		m.onTake(ev)
	case EventLeave:
		m.onLeave(ev)
	case EventSaved:
		m.onSaved(ev)
	case EventStepDone:
		m.onDone(ev)
	case EventSeen:
		m.onSeen(ev)
	case EventReady:
		m.onReady(ev)
	}
	for m.settle() {
	}
	out, m.out = m.out, nil
	return out
}

// settle moves the machine by one move, and says whether it did.
func (m *Machine) settle() bool {
	if m.current != nil {
		return m.watch()
	}
	switch m.phase {
	case clean:
		if m.pending == nil {
			return false
		}
		m.begin(*m.pending)
		return true
	case taking:
		return m.settleTaking()
	case leaving:
		return m.settleLeaving()
	case stuck:
		if m.now.Before(m.retry) {
			return false
		}
		m.undo()
		return true
	}
	return false
}

// Deadline is when Step wants a Tick at the latest; zero: it waits for other
// events.
func (m *Machine) Deadline() time.Time {
	if c := m.current; c != nil {
		switch {
		case c.killed.IsZero():
			return c.Deadline
		case !c.outlast:
			return c.killed.Add(Grace)
		}
		return time.Time{}
	}
	switch m.phase {
	case taking:
		if !m.again.IsZero() && m.again.Before(m.until) {
			return m.again
		}
		return m.until
	case stuck:
		return m.retry
	}
	return time.Time{}
}

func (m *Machine) emit(a Action) { m.out = append(m.out, a) }

func (m *Machine) record(code, reason string) {
	m.emit(Action{Kind: ActionRecord, Code: code, Reason: reason})
}

func (m *Machine) finished(o Outcome, reason string) {
	m.emit(Action{Kind: ActionFinished, Outcome: o, Reason: reason, Epoch: m.book.Epoch})
}

// save has the book written.
func (m *Machine) save() {
	m.serial++
	m.unsaved = false
	m.emit(Action{Kind: ActionSave, Serial: m.serial, Book: m.book.clone()})
}
