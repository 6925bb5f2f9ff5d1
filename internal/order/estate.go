package order

// Estate is what the machine of one process leaves to that of the next, when
// the program is replaced while it holds. Only a machine that is Still can be
// handed on: a step is a child of the process that began it.
type Estate struct {
	Book  Book
	Taken bool
	Stuck string // what could not be undone
}

// Still reports whether nothing is under way.
func (m *Machine) Still() bool {
	return m.current == nil && m.phase != taking && m.phase != leaving
}

// Clean reports whether nothing is taken, and nothing is under way.
func (m *Machine) Clean() bool { return m.phase == clean && m.current == nil && m.pending == nil }

// Epoch is the highest one that is known of, of this node's takes and of those
// of others.
func (m *Machine) Epoch() uint64 { return m.book.Highest() }

// Estate draws it up.
func (m *Machine) Estate() Estate {
	e := Estate{Book: m.book.clone(), Taken: m.phase == taken}
	if m.phase == stuck {
		e.Stuck = m.blocked
	}
	return e
}

// Inherit makes a machine that goes on where another one stopped. Give it a Tick
// at once: it may have to try again what could not be undone.
func Inherit(group string, plan Plan, e Estate) *Machine {
	m := New(group, plan, e.Book)
	switch {
	case e.Taken:
		m.phase = taken
	case e.Stuck != "":
		m.phase, m.told, m.blocked = stuck, true, e.Stuck
	}
	return m
}

// View is what people see of a machine.
type View struct {
	Phase string // clean, dirty, taking, taken, leaving, stuck
	Step  string // that runs, or is next
	Why   string // what it waits for, or what failed
	Epoch uint64
	Begun int // steps that are begun and not undone
	Steps int // of the plan
}

// View looks at the machine.
func (m *Machine) View() View {
	v := View{Phase: m.phase.String(), Epoch: m.book.Epoch, Begun: len(m.book.Begun), Steps: len(m.plan.Steps)}
	switch {
	case m.current != nil:
		v.Step, v.Why = m.current.Step.Name, m.current.why
	case m.phase == taking && m.next < len(m.steps):
		v.Step, v.Why = m.steps[m.next].Name, m.answer
	case m.phase == taking:
		v.Step, v.Why = "ready", m.missing()
	case m.phase == stuck:
		v.Why = m.blocked
	}
	return v
}
