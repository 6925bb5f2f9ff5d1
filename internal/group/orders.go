package group

import (
	"fmt"
	"time"
)

const (
	// firstRetry is how long a set stays in Fault after the kernel refused
	// its addresses, in case that was a moment's shortage. The time doubles
	// with each refusal up to lastRetry.
	firstRetry = 100 * time.Millisecond
	lastRetry  = 6400 * time.Millisecond
	// longestRetry is the same for steps, which cost more than an address.
	longestRetry = 51200 * time.Millisecond
	// lastRemove is the longest time between two attempts to take addresses
	// off; the first ones follow sooner, in the same way.
	lastRemove = 1600 * time.Millisecond
	// stopAttempts is how many attempts a set that stops waits for. What is
	// left then is for the end of the process to clean up.
	stopAttempts = 5
)

// order gives the kernel an order for every router, unless it was the last
// one given and was not refused.
func (s *Set) order(op Op) {
	for i := range s.members {
		if m := &s.members[i]; m.ordered != op || m.failed != nil {
			s.give(i, op)
		}
	}
}

// give gives the order for one router, in any case.
func (s *Set) give(i int, op Op) {
	m := &s.members[i]
	if m.ordered != op {
		m.attempts = 0
	}
	m.ordered, m.failed = op, nil
	m.pending++
	m.attempts++
	s.emit(Action{Kind: ActionOrder, Router: i, Op: op})
}

// done takes the answer to an order. Orders for one router are answered in
// the order in which they were given, so only the last answer says how things
// are now.
func (s *Set) done(ev Event) {
	m := &s.members[ev.Router]
	if m.pending == 0 {
		return // nothing was asked
	}
	m.pending--
	if m.pending > 0 {
		return // overtaken by a newer order
	}
	m.failed = ev.Err
	if ev.Err == nil {
		return
	}
	s.record(m.group, Record{
		Kind: "address", Code: "HF2001", Family: m.router.Config().Family,
		Reason: fmt.Sprintf("cannot %s addresses: %v", m.ordered, ev.Err),
	})
	if m.ordered == Remove {
		m.again = s.now.Add(backoff(m.attempts-1, lastRemove))
	}
}

// insist gives refused orders to take addresses off again: a node that is not
// the holder must not keep them.
func (s *Set) insist() {
	for i := range s.members {
		if m := &s.members[i]; m.stuck() && !s.now.Before(m.again) {
			s.give(i, Remove)
		}
	}
}

// stuck reports whether addresses are still there that should not be.
func (m *member) stuck() bool {
	return m.ordered == Remove && m.pending == 0 && m.failed != nil
}

// carried reports whether every order was carried out, and the first failure.
func (s *Set) carried() (done bool, failure error) {
	done = true
	for i := range s.members {
		if s.members[i].pending > 0 {
			done = false
		} else if err := s.members[i].failed; err != nil && failure == nil {
			failure = err
		}
	}
	return done, failure
}

// released reports whether the kernel holds nothing of the set, or would not
// let go of it.
func (s *Set) released() bool {
	for i := range s.members {
		m := &s.members[i]
		if m.ordered != Remove || m.pending > 0 || m.failed != nil && m.attempts < stopAttempts {
			return false
		}
	}
	return true
}

// pause keeps the set from holding for a while after the kernel refused its
// addresses.
func (s *Set) pause(cause error) {
	s.retry = s.now.Add(backoff(s.refusals, lastRetry))
	s.refusals++
	s.retryText = fmt.Sprintf("the kernel refused the addresses: %v", cause)
}

// backoff is the time before another attempt after n that were in vain.
func backoff(n int, longest time.Duration) time.Duration {
	return min(firstRetry<<min(n, 10), longest)
}
