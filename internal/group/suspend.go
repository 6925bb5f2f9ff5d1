package group

import (
	"net/netip"
	"time"
)

// suspension keeps a node from preempting the one that an operator chose. It
// ends when this node becomes active, when another node than the chosen one
// turns up as the holder, or when the one that left stays after all.
type suspension struct {
	on     bool
	to     string
	begun  time.Time
	gate   time.Time  // no claim before: the chosen one is on its way
	holder netip.Addr // the chosen one, once heard by the leading router
}

// suspend heeds a leaving holder that named another node. Its message and its
// priority 0 may arrive in any order, and so may the messages of its families.
func (s *Set) suspend(to string) {
	if s.phase != waiting && s.phase != claiming || s.taking != "" {
		return
	}
	if s.suspended.on && s.suspended.to == to && s.gated() {
		return // the message of another family
	}
	// If the chosen one does not come, the leaving one takes the addresses
	// back after its patience; only after that it is up to the others.
	s.holdBack(suspension{to: to, gate: s.now.Add(s.patience() + leaveSlack)})
}

func (s *Set) holdBack(n suspension) {
	n.on, n.begun = true, s.now
	s.suspended = n
	s.humble(true)
}

// gated reports whether claims are to wait for the node that was chosen.
func (s *Set) gated() bool { return s.suspended.on && s.now.Before(s.suspended.gate) }

// humble makes the set accept another holder of any priority, or stops that.
func (s *Set) humble(on bool) {
	s.humbled = on
	s.temper()
}

func (s *Set) restorePreempt() {
	s.suspended = suspension{}
	s.humble(false)
}

// watchHolder follows, by the leading router, who holds the addresses.
func (s *Set) watchHolder() {
	now := s.holder()
	if now == s.lastHolder {
		return
	}
	if !now.IsValid() {
		s.departed, s.departedAt = s.lastHolder, s.now
	}
	s.lastHolder = now
	if !now.IsValid() || !s.suspended.on || s.phase != waiting {
		return
	}
	p := &s.suspended
	stayed := now == s.departed && s.departedAt.After(p.begun.Add(-s.patience()))
	switch {
	case stayed, p.holder.IsValid() && p.holder != now:
		s.restorePreempt()
	default:
		p.holder, p.gate = now, time.Time{}
	}
}

// holder is the Active that the leading router hears, if any.
func (s *Set) holder() netip.Addr {
	p, _ := s.members[s.lead].router.Active()
	return p.Addr
}

// forgetHolder is for a set that becomes the holder itself.
func (s *Set) forgetHolder() {
	s.lastHolder, s.departed, s.departedAt = netip.Addr{}, netip.Addr{}, time.Time{}
}
