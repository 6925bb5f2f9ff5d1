package group

import (
	"fmt"
	"time"

	"github.com/holdfast-net/holdfast/vrrp"
)

// settleIdle starts the routers of a set that has become fit.
func (s *Set) settleIdle() bool {
	if away := s.absence(); away != "" {
		if s.phase == unfit {
			s.enter(resting, away)
		}
		if s.stopping && s.released() && !s.leave.stopped {
			s.leave.stopped = true
			s.emit(Action{Kind: ActionStopped})
		}
		return false
	}
	if why := s.unfitness(); why != "" {
		if s.phase != unfit {
			s.enter(unfit, why)
		}
		s.reason = why
		return false
	}
	s.retry = time.Time{}
	s.restorePreempt()
	s.all(vrrp.Startup())
	s.enter(waiting, "started as backup: listening for an active node")
	return true
}

// settleWaiting begins a claim once every router asks to be Active: a set
// that cannot have all of its addresses takes none.
func (s *Set) settleWaiting() bool {
	if s.retire() {
		return true
	}
	if s.taking == "" && !s.every((*vrrp.Router).Asking) {
		return false
	}
	s.claimed = s.now
	s.phase = claiming
	s.order(Install)
	return true
}

// settleClaiming lets the routers become Active when the addresses answer, so
// that the first advert and the first announcement are true.
func (s *Set) settleClaiming() bool {
	if s.retire() {
		return true
	}
	if s.taking == "" && !s.every((*vrrp.Router).Asking) {
		// An Active was heard meanwhile.
		s.order(Remove)
		s.phase = waiting
		return true
	}
	done, failure := s.carried()
	if failure != nil {
		s.refuse(failure)
		return true
	}
	if !done {
		return false
	}
	reason := s.taking
	s.taking = ""
	s.all(vrrp.Grant())
	if reason == "" {
		reason = s.members[0].reason
	}
	s.restorePreempt()
	s.enter(holding, reason)
	s.startAnnouncing()
	return true
}

// refuse gives up a claim that the kernel would not carry out.
func (s *Set) refuse(cause error) {
	s.taking = ""
	s.order(Remove)
	s.all(vrrp.Shutdown())
	s.retry = s.now.Add(retryInstall)
	s.retryText = fmt.Sprintf("the kernel refused the addresses: %v", cause)
	s.enter(unfit, s.retryText)
}

// retire ends the part of a set that holds nothing yet, if it has to.
func (s *Set) retire() bool {
	why, next := s.absence(), resting
	if why == "" {
		why, next = s.unfitness(), unfit
	}
	if why == "" {
		return false
	}
	s.taking = ""
	s.order(Remove)
	s.all(vrrp.Shutdown())
	s.enter(next, why)
	return true
}

// take claims at once: the leaving holder named this node.
func (s *Set) take(ev Event) {
	if s.phase == waiting {
		s.taking = fmt.Sprintf("handover from %s", ev.Name)
	}
}

// lost repairs what somebody else took away.
func (s *Set) lost(ev Event) {
	m := &s.members[ev.Router]
	if s.phase != holding || m.ordered != Install {
		return
	}
	s.record(m.group, Record{
		Kind: "address", Code: "HF2002", Family: m.router.Config().Family,
		Reason: fmt.Sprintf("%s was removed by someone else: put back and announced again", ev.Text),
	})
	m.failed = nil
	m.pending++
	s.emit(Action{Kind: ActionOrder, Router: ev.Router, Op: Install})
	s.startAnnouncing()
}

// released reports whether the kernel holds nothing of the set.
func (s *Set) released() bool {
	for i := range s.members {
		if s.members[i].ordered != Remove || s.members[i].pending > 0 {
			return false
		}
	}
	return true
}
