package order

import (
	"fmt"
	"time"
)

// launch runs a step.
func (m *Machine) launch(s Step, d Direction, deadline time.Time) {
	role, reason := m.role, m.reason
	if d == Taking {
		role, reason = "active", m.why
	}
	m.current = &running{
		Run: Run{
			Step: s, Direction: d, Group: m.group, Role: role, Reason: reason,
			Epoch: m.book.Epoch, Deadline: deadline,
		},
		begun: m.now,
	}
	m.emit(Action{Kind: ActionRun, Run: m.current.Run})
}

// watch kills what runs for too long, or for a take that is called off.
func (m *Machine) watch() bool {
	c := m.current
	switch {
	case c.killed.IsZero() && !m.now.Before(c.Deadline):
		m.kill("did not end within " + c.Step.within(c.Direction).String())
	case c.killed.IsZero() && c.Direction == Taking && m.failure != "":
		m.kill("was called off")
	case !c.killed.IsZero() && !c.outlast && !m.now.Before(c.killed.Add(Grace)):
		// It sits in a system call that no signal ends, say. Nothing else
		// may run before it has ended, so nothing can be undone.
		c.outlast = true
		why := fmt.Sprintf("%s %s, was killed, and has not ended %s later", c.Step.Name, c.why, Grace)
		m.record(CodeStuck, why)
		m.getStuck(why)
	}
	return false
}

func (m *Machine) kill(why string) {
	m.current.killed, m.current.why = m.now, why
	m.emit(Action{Kind: ActionKill})
}

// onDone takes the end of a step.
func (m *Machine) onDone(ev Event) {
	c := m.current
	if c == nil {
		return
	}
	m.current = nil
	took := m.now.Sub(c.begun).Round(time.Millisecond)
	var failure string
	switch {
	case !c.killed.IsZero():
		// Whatever it returned: a program may answer SIGTERM with exit 0.
		failure = c.why + " and was killed"
	case ev.Err != nil:
		failure = fmt.Sprintf("failed after %s: %v", took, ev.Err)
	}
	if failure != "" && ev.Output != "" {
		failure += "; it said: " + ev.Output
	}
	if c.Direction == Leaving {
		m.undone(c, failure, took)
		return
	}
	m.done(c, failure, took)
}

// getStuck tells the caller, once, that it cannot count on what it wanted.
func (m *Machine) getStuck(why string) {
	if !m.told || m.asked {
		m.finished(Stuck, why)
	}
	m.told, m.asked, m.pending = true, false, nil
}
