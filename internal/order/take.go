package order

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// onTake notes that the steps are wanted.
func (m *Machine) onTake(ev Event) {
	switch {
	case m.told:
		m.finished(Failed, "what was taken before could not be undone yet")
	case m.phase == taken:
		m.finished(Took, "nothing to do: everything is taken already")
	case m.phase == taking && m.failure == "":
	case m.phase == dirty:
		m.pending = &ev
		m.undo()
	default:
		m.pending = &ev
	}
}

// onSeen notes the epoch of another node. Where something is under way the book
// is written with it.
func (m *Machine) onSeen(ev Event) {
	if ev.Epoch <= m.book.Highest() {
		return
	}
	m.book.Seen, m.unsaved = ev.Epoch, true
	if m.Still() {
		m.save()
	}
}

// begin begins a take.
func (m *Machine) begin(ev Event) {
	m.pending = nil
	m.phase, m.why, m.failure = taking, ev.Reason, ""
	m.role, m.reason = "fault", ""
	m.steps, m.next = slices.Clone(m.plan.Steps), 0
	m.book.Epoch = max(m.book.Highest()+1, ev.Epoch)
	m.unsaved = true
	m.await()
}

// await gives the next step, or the ready checks, their time.
func (m *Machine) await() {
	m.again, m.answer = time.Time{}, ""
	if m.next < len(m.steps) {
		s := &m.steps[m.next]
		m.until = m.now.Add(s.within(Taking))
		if s.Undo {
			m.book.Begun = append(m.book.Begun, *s)
			m.unsaved = true
		}
		return
	}
	m.until = m.now.Add(orDefault(m.plan.Within))
	m.ready, m.unready = map[string]bool{}, map[string]string{}
	for _, check := range m.plan.Ready {
		m.unready[check] = "no result yet"
	}
	m.readyAt = m.now
}

// settleTaking does the next thing of a take.
func (m *Machine) settleTaking() bool {
	switch {
	case m.failure != "":
		m.undo()
		return true
	case m.next == len(m.steps) && m.settleReady():
		return true
	case !m.now.Before(m.until):
		m.failure = m.overdue()
		m.record(CodeFailed, m.failure)
		return true
	case m.saving || m.now.Before(m.again) || m.next == len(m.steps):
		return false
	case m.unsaved:
		m.saving = true
		m.save()
		return false
	}
	m.launch(m.steps[m.next], Taking, m.until)
	return false
}

// overdue says what did not come in time.
func (m *Machine) overdue() string {
	if m.next == len(m.steps) {
		return fmt.Sprintf("not ready within %s: %s", orDefault(m.plan.Within), m.missing())
	}
	s := &m.steps[m.next]
	if m.saving {
		return fmt.Sprintf("%s was not begun: that it begins could not be written to disk within %s", s.Name, s.within(Taking))
	}
	return fmt.Sprintf("%s did not succeed within %s: %s", s.Name, s.within(Taking), m.answer)
}

// missing says which checks have not passed.
func (m *Machine) missing() string {
	var missing []string
	for _, check := range m.plan.Ready {
		if !m.ready[check] {
			missing = append(missing, fmt.Sprintf("check %s (%s)", check, m.unready[check]))
		}
	}
	return strings.Join(missing, ", ")
}

// unbegin takes the next step out of the book: it never ran, whatever is on disk
// by now.
func (m *Machine) unbegin() {
	m.saving = false
	if m.steps[m.next].Undo {
		m.book.Begun = m.book.Begun[:len(m.book.Begun)-1]
	}
	m.unsaved = true
}

// onSaved lets the step begin that waited for the book.
func (m *Machine) onSaved(ev Event) {
	if !m.saving || ev.Serial != m.serial {
		return
	}
	if ev.Err == nil {
		m.saving = false
		return
	}
	// A step that is not in the book would be forgotten by a crash.
	m.failure = fmt.Sprintf("%s was not begun: %v", m.steps[m.next].Name, ev.Err)
	m.record(CodeFailed, m.failure)
}

// done takes the end of a step that was run to be done.
func (m *Machine) done(c *running, failure string, took time.Duration) {
	s := &m.steps[m.next]
	switch {
	case m.failure != "": // called off meanwhile
	case failure == "":
		m.record(CodeDone, fmt.Sprintf("%s done in %s (step %d of %d, epoch %d)", s.Name, took, m.next+1, len(m.steps), m.book.Epoch))
		m.next++
		m.await()
	case s.Again > 0 && c.killed.IsZero():
		m.again, m.answer = m.now.Add(s.Again), failure
	default:
		m.failure = s.Name + " " + failure
		m.record(CodeFailed, m.failure)
	}
}

// onReady takes the result of a probe.
func (m *Machine) onReady(ev Event) {
	if m.phase != taking || m.next < len(m.steps) || !slices.Contains(m.plan.Ready, ev.Check) || ev.Begun.Before(m.readyAt) {
		return
	}
	m.ready[ev.Check] = ev.Up
	m.unready[ev.Check] = ev.Reason
}

// settleReady ends a take whose checks pass, and says whether they do.
func (m *Machine) settleReady() bool {
	for _, check := range m.plan.Ready {
		if !m.ready[check] {
			return false
		}
	}
	why := fmt.Sprintf("%d steps done, epoch %d", len(m.steps), m.book.Epoch)
	if len(m.plan.Ready) > 0 {
		why += ", ready: " + strings.Join(m.plan.Ready, ", ")
	}
	m.phase = taken
	m.record(CodeReady, why)
	m.finished(Took, why)
	return true
}
