package group

import (
	"fmt"
	"time"

	"github.com/holdfast-net/holdfast/internal/hold"
	"github.com/holdfast-net/holdfast/vrrp"
)

func (s *Set) settleHolding() bool {
	if s.severed() {
		s.drop(s.unfitness())
		return true
	}
	if !s.every(isActive) && !s.contested() {
		s.yieldToHigher()
		return true
	}
	if i, by := s.unheard(); by != nil && by.awake && s.proven(i, by) {
		s.giveWay(i, by)
		return true
	} else if by != nil {
		s.askHost(i, by)
	}
	switch {
	case s.stopping:
		s.depart(leave{cause: toStop, reason: s.stopText})
	case s.maintenance:
		s.depart(leave{cause: toRest, reason: s.absence()})
	default:
		why := s.unfitness()
		if why == "" {
			return s.reinstall()
		}
		s.depart(leave{cause: toFault, reason: why})
	}
	return true
}

func isActive(r *vrrp.Router) bool { return r.State() == vrrp.Active }

// contested settles a tie. Between nodes of equal priority the higher address
// wins (RFC 9568 §6.4.3), and nothing makes the order of the IPv4 addresses
// that of the IPv6 ones: two sets that became Active at the same time would
// each lose in one family, both give way as a whole, and claim again at the
// same time, for ever. So one router speaks for the set: while it is Active, a
// tie that another one loses does not count, and that one becomes Active again
// as soon as its winner, whose set has lost, is gone. Until then it is silent.
//
// It reports false when the set has to give way after all: to a higher
// priority, because its leading router lost, or because the other node does
// not see it as we do (its families may be independent of each other).
func (s *Set) contested() bool {
	lead := s.members[s.lead].router
	if !isActive(lead) {
		return false
	}
	if s.contest.IsZero() {
		s.contest = s.now.Add(s.longest((*vrrp.Router).DownInterval))
	}
	if !s.now.Before(s.contest) {
		return false
	}
	for i := range s.members {
		m := &s.members[i]
		if isActive(m.router) {
			continue
		}
		if m.lost != vrrp.ReasonHigherAddress {
			return false
		}
		_, there := m.router.Active()
		switch {
		case !there || m.router.Asking():
			s.levelOf(i, hold.Holding)
			s.route(i, vrrp.Grant(), time.Time{})
			s.announceAgain()
		case m.level == hold.Holding:
			s.serve(i, s.contest.Sub(s.now)+leaveSlack)
		}
	}
	if s.every(isActive) {
		s.contest = time.Time{}
	}
	return true
}

// repair puts back what somebody else took away.
func (s *Set) repair(ev Event) {
	m := &s.members[ev.Router]
	if s.phase != holding && s.phase != demoting && s.phase != claiming && s.phase != leaving || m.ordered != Install {
		return
	}
	if m.pending > 0 {
		// As likely the news of our own removal, from before the order that
		// is under way. Whichever it is, once more does no harm.
		s.give(ev.Router, Install)
		return
	}
	what := "put back"
	if s.phase == holding {
		what = "put back and announced again"
	}
	s.record(m.group, Record{
		Kind: "address", Code: "HF2002", Family: m.router.Config().Family,
		Reason: fmt.Sprintf("%s was removed by someone else: %s", ev.Text, what),
	})
	s.give(ev.Router, Install)
	if s.phase == holding {
		s.announceAgain()
	}
}

// reinstall notices that the kernel refused a repair.
func (s *Set) reinstall() bool {
	done, failure := s.carried()
	if !done || failure == nil {
		return false
	}
	s.pause(failure)
	return true
}
