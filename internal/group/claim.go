package group

import (
	"time"

	"github.com/holdfast-net/holdfast/vrrp"
)

// settleIdle starts the routers of a set that has become fit.
func (s *Set) settleIdle() bool {
	if away := s.absence(); away != "" {
		if s.phase == unfit {
			s.enter(resting, away)
		}
		s.reason = away
		if s.stopping && s.released() && !s.stopped {
			s.stopped = true
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
	if !s.wanted() {
		s.watchHalf()
		return false
	}
	s.claim()
	return true
}

// wanted reports whether there is cause to claim.
func (s *Set) wanted() bool {
	return s.taking != "" || s.every((*vrrp.Router).Asking) && !s.gated()
}

// claim has the addresses installed. Where the holder fell silent, nobody
// serves: the other backups are told first, before their timers run out too
// and they do the same. Where it may still serve, until it hears the first
// advert, that one waits until it is true.
func (s *Set) claim() {
	s.phase = claiming
	s.half = half{}
	if s.taking == "" && s.orphaned() {
		// By one router, which is enough to hold back other sets: if all
		// spoke, two sets of equal priority could each lose in one family,
		// both withdraw, and claim again at the same time.
		s.route(s.lead, vrrp.Claim(), time.Time{})
	}
	s.order(Install)
}

// orphaned reports whether the set asks because no Active was heard.
func (s *Set) orphaned() bool {
	for i := range s.members {
		if s.members[i].cause != vrrp.ReasonMasterDown {
			return false
		}
	}
	return true
}

// hush takes back what a claim has said, in the routers that still say it.
func (s *Set) hush() {
	for i := range s.members {
		if s.members[i].router.Claiming() {
			s.route(i, vrrp.Yield(), time.Time{})
		}
	}
}

// settleClaiming lets the routers become Active when the addresses answer, so
// that the first advert and the first announcement are true.
func (s *Set) settleClaiming() bool {
	if s.retire() {
		return true
	}
	if s.resuming && s.every(s.heard) {
		// The successor came late.
		s.taking, s.resuming = "", false
		s.leave.heard = s.primary()
		s.succeeded()
		s.finish("")
		return true
	}
	if !s.wanted() {
		// An Active was heard meanwhile.
		s.hush()
		s.order(Remove)
		s.phase = waiting
		return true
	}
	done, failure := s.carried()
	if done && failure != nil {
		s.refuse(failure)
		return true
	}
	if !done {
		return false
	}
	reason := s.taking
	if reason == "" {
		reason = s.asked()
	}
	if s.resuming {
		s.maintenance = false
		s.conclude(command{text: reason}, command{text: reason})
	}
	s.taking, s.resuming = "", false
	s.contest, s.refusals = time.Time{}, 0
	s.forgetHolder()
	s.restorePreempt()
	s.all(vrrp.Grant())
	s.enter(holding, reason)
	s.startAnnouncing()
	return true
}

// asked says why the set claims: for the reason of its leading router, unless
// another one came to ask a good while later, and so for a reason of its own.
func (s *Set) asked() string {
	m := &s.members[s.lead]
	for i := range s.members {
		if o := &s.members[i]; o.asked.Sub(m.asked) > interval(m.router) {
			m = o
		}
	}
	return m.reason
}

// refuse gives up a claim that the kernel would not carry out.
func (s *Set) refuse(cause error) {
	s.pause(cause)
	s.giveUp(unfit, s.retryText)
}

// retire ends the part of a set that holds nothing yet, if it has to.
func (s *Set) retire() bool {
	// Who takes back what nobody took over is in maintenance only in name.
	if away := s.absence(); away != "" && (!s.resuming || s.stopping || s.forced) {
		s.giveUp(resting, away)
		return true
	}
	if why := s.unfitness(); why != "" {
		s.giveUp(unfit, why)
		return true
	}
	return false
}

func (s *Set) giveUp(next phase, why string) {
	s.taking, s.resuming = "", false
	s.half = half{}
	s.order(Remove)
	s.all(vrrp.Shutdown())
	s.enter(next, why)
	s.abandoned(why)
}

// take claims at once: the leaving holder named this node. A node that has
// just left itself, and is heard to have a successor, goes back.
func (s *Set) take(ev Event) {
	if s.phase == leaving && s.leave.heard.IsValid() && s.mustGo() == "" && !s.maintenance {
		s.phase = waiting
	}
	if s.phase == waiting {
		s.taking = ev.Text
	}
}
