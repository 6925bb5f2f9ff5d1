package order

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// onLeave notes that nothing is wanted any more.
func (m *Machine) onLeave(ev Event) {
	m.pending = nil
	m.role, m.reason = ev.Role, ev.Reason
	switch {
	case m.phase == clean:
		m.finished(Left, "nothing was taken")
		return
	case m.current != nil && m.current.outlast:
		m.finished(Stuck, fmt.Sprintf("%s was killed and has not ended", m.current.Step.Name))
		return
	}
	m.asked = true
	switch m.phase {
	case taking:
		if m.failure == "" {
			m.failure = "called off: " + ev.Reason
			m.record(CodeFailed, m.failure)
		}
	case dirty, taken, stuck:
		m.undo()
	}
}

// undo begins a round of undoing.
func (m *Machine) undo() {
	if m.saving {
		m.unbegin()
	}
	m.reason = cmp.Or(m.reason, m.failure)
	m.phase, m.at, m.blocked = leaving, len(m.book.Begun), ""
}

// settleLeaving undoes the next step, or ends the round.
func (m *Machine) settleLeaving() bool {
	for m.at > 0 {
		m.at--
		if s := m.book.Begun[m.at]; m.blocked == "" || s.Alone {
			m.launch(s, Leaving, m.now.Add(s.within(Leaving)))
			return false
		}
	}
	if m.unsaved {
		// Not waited for: a book that has too much in it has it undone twice.
		m.save()
	}
	if len(m.book.Begun) > 0 {
		m.phase = stuck
		m.pause = min(cmp.Or(2*m.pause, retryFirst), retryLast)
		m.retry = m.now.Add(m.pause)
		m.getStuck(m.blocked)
		return false
	}
	failure := m.failure
	m.phase, m.pause, m.failure = clean, 0, ""
	switch {
	case m.told || m.asked:
		m.finished(Left, m.reason)
	case failure != "":
		m.finished(Failed, failure)
	}
	m.told, m.asked = false, false
	return true
}

// undone takes the end of a step that was run to be undone.
func (m *Machine) undone(c *running, failure string, took time.Duration) {
	if failure != "" {
		failure = fmt.Sprintf("%s could not be undone: it %s", c.Step.Name, failure)
		m.blocked = cmp.Or(m.blocked, failure)
		m.record(CodeStuck, failure)
		return
	}
	m.record(CodeUndone, fmt.Sprintf("%s undone in %s", c.Step.Name, took))
	m.book.Begun = slices.Delete(m.book.Begun, m.at, m.at+1)
	m.unsaved = true
}
