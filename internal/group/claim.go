package group

import (
	"cmp"
	"time"

	"github.com/holdfast-net/holdfast/internal/hold"
	"github.com/holdfast-net/holdfast/vrrp"
)

// settleIdle starts the routers of a set that has become fit.
func (s *Set) settleIdle() bool {
	if away := s.absence(); away != "" {
		if s.phase == unfit {
			s.enter(resting, away)
		}
		s.reason = away
		if s.stopping && s.released() && !s.stopped && (!s.busy() || s.steps == stepsStuck) {
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
	s.lackAnew()
	s.doubt()
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
	if s.busy() {
		s.half = half{}
		return false // what was taken before is being undone
	}
	if s.unready() {
		s.half = half{} // whoever waits for what it lacks does not wait for the other half
		s.unwant()
		return false
	}
	if !s.wanted() || s.plead() {
		s.unwant()
		s.watchHalf()
		return false
	}
	s.half = half{} // whoever waits for a mandate does not wait for the other half
	if s.want(); !s.mandated() {
		return false
	}
	if s.leased() && s.taking == "" {
		s.taking, s.missing = s.granted, false
	}
	s.claim()
	return true
}

// wanted reports whether there is cause to claim.
func (s *Set) wanted() bool {
	return s.taking != "" || s.leased() || s.every((*vrrp.Router).Asking) && !s.gated()
}

// claim has the addresses installed. Where the holder fell silent, nobody
// serves: the other backups are told first, before their timers run out too
// and they do the same. Where it may still serve, until it hears the first
// advert, that one waits until it is true.
func (s *Set) claim() {
	s.phase = claiming
	s.half = half{}
	s.said, s.listening, s.security = false, time.Time{}, insecure
	s.want()
	orphaned := s.taking == "" && s.orphaned() || s.taking != "" && s.missing
	if orphaned && s.mandated() && !s.doubting() {
		s.speak()
	}
	s.order(Install)
}

// speak makes the claim known: by one router, which is enough to hold back
// other sets. If all spoke, two sets of equal priority could each lose in one
// family, both withdraw, and claim again at the same time.
func (s *Set) speak() {
	for i := range s.members {
		s.members[i].owed = 0
	}
	s.said = true
	s.level(s.claimLevel())
	if s.taking == "" {
		s.probe() // RFC 5227 §2.1.1: the holder was not heard to leave
	}
	s.route(s.lead, vrrp.Claim(), time.Time{})
}

// spoke notes that the claim is on the wire: from now on others hear of it.
func (s *Set) spoke() {
	if s.phase == claiming && s.said && s.listening.IsZero() {
		s.listening = s.now.Add(hold.Listen(s.members[s.lead].router.Config().Interval))
	}
}

// orphaned reports whether nobody serves: the holder was not heard any more,
// or was another vendor's, which let go of everything when it left.
func (s *Set) orphaned() bool {
	if _, live := s.holderLive(); live {
		return false
	}
	for i := range s.members {
		if m := &s.members[i]; m.cause == vrrp.ReasonPeerLeft && s.leftAsKin(m.from) {
			return false
		}
	}
	return true
}

// hush takes back what a claim has said, in the routers that still say it.
func (s *Set) hush() {
	for i := range s.members {
		if s.members[i].router.Claiming() {
			if s.busy() {
				s.route(i, vrrp.Lapse(), time.Time{})
			} else {
				s.route(i, vrrp.Yield(), time.Time{})
			}
		}
	}
}

// settleClaiming lets the routers become Active when the addresses are there
// and no other node may hold them, so that the first announcement is true.
func (s *Set) settleClaiming() bool {
	if s.retire() {
		return true
	}
	if s.resuming && (s.every(s.heard) || s.tenant != "") {
		// The successor came late.
		s.taking, s.resuming = "", false
		s.follow()
		s.succeeded()
		s.finish("")
		return true
	}
	if !s.wanted() || s.outbid() {
		// An Active was heard meanwhile.
		s.retreat("")
		return true
	}
	done, failure := s.carried()
	if done && failure != nil {
		s.refuse(failure)
		return true
	}
	if !done || !s.mandated() {
		return false
	}
	if !s.said && !s.overrides() {
		if s.doubting() {
			return false // the one that leaves serves until it hears a claim
		}
		s.speak()
	}
	if !s.ticked || !s.clear() || !s.safe() || !s.promoted() {
		return false
	}
	s.open()
	return true
}

// outbid reports whether another node's advert has beaten this node's claim.
func (s *Set) outbid() bool { return s.said && !s.members[s.lead].router.Claiming() }

// clear reports whether no other node may hold the addresses. It is asked on
// ticks alone: before one, all has been heard that had arrived by then.
func (s *Set) clear() bool {
	return !s.said || !s.listening.IsZero() && !s.now.Before(s.listening) && s.barred().IsZero()
}

// clearAt is when a claim may be granted, if nothing is heard until then; zero
// while it waits for something else than time.
func (s *Set) clearAt() time.Time {
	done, _ := s.carried()
	switch {
	case s.busy() && s.steps != stepsTaken || s.security == securing:
		return time.Time{}
	case !done || !s.mandated() || s.said && s.listening.IsZero():
		return time.Time{}
	case !s.said && s.doubting() && !s.overrides():
		return s.unsure
	case !s.said:
		return s.now
	}
	at := s.listening
	if t := s.barred(); t.After(at) {
		at = t
	}
	if at.Before(s.now) {
		at = s.now
	}
	return at
}

// overrides reports whether the set takes over from another vendor's router
// that is alive: it lets go when it hears the first advert, and not before.
func (s *Set) overrides() bool {
	p, live := s.holderLive()
	if s.taking != "" || !live || s.ordered() || s.fenced() {
		return false // with steps it has to let go first, and then they are taken
	}
	c := s.members[s.lead].contender(p.Addr)
	return c != nil && c.foreign()
}

// open begins the hold.
func (s *Set) open() {
	reason := s.taking
	if reason == "" {
		reason = s.cause()
	}
	if s.resuming {
		s.maintenance = false
		s.conclude(command{text: reason}, command{text: reason})
	}
	s.taking, s.resuming, s.said = "", false, false
	s.contest, s.refusals, s.failures = time.Time{}, 0, 0
	s.forgetHolder()
	rank := s.rank()
	s.meet(func(*lacking) bool { return true })
	s.restorePreempt()
	s.retemper(rank)
	s.level(hold.Holding)
	s.all(vrrp.Grant())
	s.enter(holding, reason)
	s.verified = 0
	s.startAnnouncing()
}

// retreat ends a claim that another node's is better than, or that came too
// late: why.
func (s *Set) retreat(why string) {
	s.phase = waiting
	if s.resuming {
		if s.follow(); s.leave.followed() {
			s.succeeded()
		} else {
			s.abandoned(why)
		}
		if !s.suspended.on {
			s.humble(false)
		}
	}
	s.taking, s.resuming = "", false
	if why != "" {
		s.reason = why
	}
	if s.steps == stepsTaking || s.steps == stepsTaken {
		s.leaveSteps(Backup, cmp.Or(why, "another node has the better claim"))
	}
	s.hush()
	s.level(hold.Closed)
	s.order(Remove)
	if s.said {
		s.said = false
		s.owe()
	}
}

// cause says why the set claims: for the reason of its leading router, unless
// another one came to ask a good while later, and so for a reason of its own.
func (s *Set) cause() string {
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
	s.letGo(vrrp.Shutdown())
	s.level(hold.Closed)
	s.order(Remove)
	s.enter(next, why)
	s.abandoned(why)
	if s.said {
		s.said = false
		s.owe()
	}
}

// take claims at once: the leaving holder named this node, or is missed. A node that has
// just left itself, and is heard to have a successor, goes back.
func (s *Set) take(ev Event) {
	if s.unready() {
		return // who leaves goes on until somebody takes over
	}
	if s.phase == leaving && s.leave.followed() && s.mustGo() == "" && !s.maintenance {
		s.phase = waiting
		if !s.suspended.on { // or this node never preempts again, if nothing comes of the claim
			s.humble(false)
		}
	}
	if s.phase == waiting && !s.busy() { // or the claim would come long after who left
		s.taking, s.missing = ev.Text, ev.Up
	}
}
