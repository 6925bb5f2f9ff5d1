package check

import "time"

// fell notes a turn to down and finds out whether the check flaps.
func (m *Machine) fell(now time.Time) {
	f := m.set.Flap
	if f.Changes == 0 {
		return
	}
	if len(m.falls) == f.Changes {
		m.falls = append(m.falls[:0], m.falls[1:]...)
	}
	m.falls = append(m.falls, now)
	if len(m.falls) == f.Changes && now.Sub(m.falls[0]) <= f.Within {
		m.damped = true
	}
}

// flaps reports whether a check that passes again must prove itself yet. It
// is heard at answers only: a check that nobody looks at does not rise.
func (m *Machine) flaps(now time.Time) bool {
	if m.damped && now.Sub(m.passes) >= m.set.Flap.Stable {
		m.damped = false
		m.falls = m.falls[:0]
	}
	return m.damped
}
