package group

// A group may ask for more than the gate (package fence): that a watchdog runs
// before it holds, and that whoever held before and did not let go in order has
// been cut off before its steps are taken. A gate that closed by itself says
// nothing of a database that was promoted behind it.
//
// The set asks for that once nobody else may hold, before the first step, and
// waits for the answer. It does not know what is done for it.

// security is how far that is.
type security uint8

const (
	insecure security = iota
	securing          // it was asked for
	secured
)

// fenced reports whether a group of the set asks for it.
func (s *Set) fenced() bool {
	for g := range s.groups {
		if s.groups[g].Fenced {
			return true
		}
	}
	return false
}

// safe reports whether the set may take its steps and hold, and asks for that
// where it was not asked.
func (s *Set) safe() bool {
	if s.security == insecure && s.fenced() {
		s.security = securing
		s.emit(Action{Kind: ActionSecure, Text: s.claimReason()})
	}
	return s.security != securing
}

// Securing reports whether the set waits for an answer to ActionSecure.
func (s *Set) Securing() bool { return s.phase == claiming && s.security == securing }

// secure takes the answer: a set that cannot be made safe is not fit, and tries
// again after a while.
func (s *Set) secure(ev Event) {
	switch {
	case !s.Securing():
	case ev.Up:
		s.security = secured
	default:
		s.retry = s.now.Add(backoff(s.failures, longestRetry))
		s.failures++
		s.retryText = ev.Text
		s.giveUp(unfit, s.retryText)
	}
}

// claimReason is why the set claims.
func (s *Set) claimReason() string {
	if s.taking != "" {
		return s.taking
	}
	return s.cause()
}
