package group

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/holdfast-net/holdfast/internal/hold"
	"github.com/holdfast-net/holdfast/vrrp"
)

// cause is why a holder leaves.
type cause uint8

const (
	toPeer   cause = iota // an operator's handover
	toRest                // maintenance
	toStop                // shutdown
	toFault               // a check failed
	toHigher              // an Active with a better claim was heard
)

// leave is a departure in progress.
type leave struct {
	cause    cause
	reason   string
	to       string // the node named as successor
	begun    time.Time
	deadline time.Time
	heard    netip.Addr // the successor
	heir     string     // the successor, where it is known by name only
	partly   bool       // it was heard for a part of the set: the deadline was put off
}

const (
	// leaveSlack is what a backup's scheduling and the kernel may add to the
	// Skew_Time after which it must have claimed (RFC 9568 §6.1).
	leaveSlack = 250 * time.Millisecond
	// leaveGrace is how long traffic is still served after the successor's
	// first advert: its announcements follow that advert, and until hosts
	// and switches have followed them, packets arrive here.
	leaveGrace = 200 * time.Millisecond
)

// depart begins an orderly leave: first silence, then priority 0. What has
// steps goes on advertising until they are undone.
func (s *Set) depart(l leave) {
	if s.busy() {
		l.begun = s.now
		s.leave = l
		s.stopAnnouncing()
		s.level(hold.Claiming)
		s.phase, s.reason = demoting, l.reason
		return
	}
	l.begun, l.deadline = s.now, s.now.Add(s.patience())
	s.leave = l
	s.stopAnnouncing()
	s.serveAll(2*s.patience() + leaveGrace)
	s.bequeath(l.to, l.to == "")
	s.all(vrrp.Yield())
	s.humble(true)
	for i := range s.members {
		s.emit(Action{Kind: ActionTell, Router: i, Name: l.to, Chosen: l.cause == toPeer})
	}
	s.enter(leaving, l.reason)
}

// patience is how long any backup may take to answer a priority 0: its
// Skew_Time is below one interval, in version 2 below one second
// (RFC 3768 §6.1). A lease that is given back may have to be read for.
func (s *Set) patience() time.Duration {
	return max(s.longest(interval), s.groups[0].Unwatched) + leaveSlack
}

func interval(r *vrrp.Router) time.Duration {
	c := r.Config()
	if c.Version == 2 {
		return max(c.Interval, time.Second)
	}
	return c.Interval
}

// yieldToHigher leaves because a router has just heard an Active with a better
// claim: the successor is there already.
func (s *Set) yieldToHigher() {
	reason := ""
	for i := range s.members {
		if m := &s.members[i]; m.router.State() != vrrp.Active && reason == "" {
			reason = m.reason
		}
	}
	s.stopAnnouncing()
	s.leave = leave{cause: toHigher, begun: s.now, deadline: s.now.Add(leaveGrace), heard: s.primary()}
	s.serveAll(2 * leaveGrace)
	s.unwant()
	s.letGo(vrrp.Yield())
	s.enter(leaving, reason)
	s.owe()
	s.succeeded()
}

// settleLeaving ends the leave when the successor was heard and the grace is
// over, or when nobody came in time.
func (s *Set) settleLeaving() bool {
	l := &s.leave
	if s.severed() {
		s.finish(s.unfitness())
		return true
	}
	if !l.followed() && (s.tenant != "" || !s.leased() && s.heardEverywhere()) {
		s.follow()
		l.deadline = s.now.Add(leaveGrace)
		s.succeeded()
	}
	if s.now.Before(l.deadline) {
		return false
	}
	part := s.some(s.heard)
	if why := s.mustGo(); l.followed() || why != "" && !part {
		s.finish(why)
		return true
	}
	switch {
	case part && !l.partly:
		// The successor is there. What is missing may have been lost on
		// the way, and comes again with the next advert.
		l.partly = true
		l.deadline = s.now.Add(2 * s.longest(interval))
	case part && (s.mustGo() != "" || s.outranked()):
		s.finish(fmt.Sprintf("%s took over a part of the addresses only", s.primary()))
	case !s.ticked:
		return false // the successor may be among what waits to be heard
	default:
		s.resume()
	}
	return true
}

// mustGo says why the set may not stay even where nobody takes over; "" when
// it may.
func (s *Set) mustGo() string {
	switch {
	case s.stopping:
		return s.stopText
	case s.maintenance && s.forced:
		return s.absence()
	}
	return s.unfitness()
}

// heard reports whether a router has heard an Active since the leave began.
func (s *Set) heard(r *vrrp.Router) bool {
	p, ok := r.Active()
	return ok && p.LastHeard.After(s.leave.begun)
}

// heardEverywhere reports whether the successor was heard by every router
// whose interface works.
func (s *Set) heardEverywhere() bool {
	for i := range s.members {
		if m := &s.members[i]; m.linkUp && !s.heard(m.router) {
			return false
		}
	}
	return true
}

// outranked reports whether an Active heard since the leave began would win
// against this node, so that there is no point in taking the addresses back.
func (s *Set) outranked() bool {
	return s.some(func(r *vrrp.Router) bool {
		p, _ := r.Active()
		return s.heard(r) && (p.Priority > r.Priority() ||
			p.Priority == r.Priority() && p.Addr.Compare(r.Config().Source) > 0)
	})
}

// succeeded answers the operator, if one waits.
func (s *Set) succeeded() {
	l := &s.leave
	text := fmt.Sprintf("%s %s after this node let go",
		l.succession(), s.now.Sub(l.begun).Round(100*time.Microsecond))
	if l.cause == toPeer {
		s.holdBack(suspension{to: l.to, holder: s.holder()})
	}
	s.conclude(command{ok: true, text: text}, command{ok: true, text: text})
	s.record(0, Record{Kind: "notice", Code: "HF2003", Reason: "successor heard: " + text, Peer: l.heard})
}

// finish takes the addresses off and goes where the leave was bound for. why
// says what kept the set from staying; it is told where no successor was
// heard.
func (s *Set) finish(why string) {
	s.level(hold.Closed)
	s.order(Remove)
	if !s.suspended.on {
		s.humble(false)
	}
	s.phase = waiting
	s.abandoned(why)
}

// abandoned answers the operators whose leave ended without a successor.
func (s *Set) abandoned(why string) {
	s.conclude(
		command{text: "no node took over, and this node could not stay: " + why},
		command{ok: true, text: "nobody took over: the addresses are held by no node"},
	)
}

// resume takes the addresses back when nobody answered the leave: an address
// is better held here than nowhere.
func (s *Set) resume() {
	s.taking, s.missing = fmt.Sprintf("no node took over within %s: still held here", s.now.Sub(s.leave.begun).Round(time.Millisecond)), false
	s.resuming = true
	s.claim()
}

// drop lets go at once: on a dead link there is nobody to serve and nothing
// to say.
func (s *Set) drop(reason string) {
	s.stopAnnouncing()
	s.level(hold.Closed)
	s.letGo(vrrp.Shutdown())
	s.order(Remove)
	s.enter(unfit, reason)
	s.abandoned(reason)
}
