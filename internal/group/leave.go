package group

import (
	"fmt"
	"net/netip"
	"time"

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
	forced   bool
	begun    time.Time
	deadline time.Time
	heard    netip.Addr // the successor
	stopped  bool       // ActionStopped was given
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

func (s *Set) settleHolding() bool {
	if !s.every(isActive) {
		s.yieldToHigher()
		return true
	}
	if s.severed() {
		s.drop(s.unfitness())
		return true
	}
	switch {
	case s.stopping:
		s.depart(leave{cause: toStop, reason: s.stopText, forced: true})
	case s.maintenance:
		s.depart(leave{cause: toRest, reason: s.absence(), forced: s.leave.forced})
	default:
		why := s.unfitness()
		if why == "" {
			return s.reinstall()
		}
		s.depart(leave{cause: toFault, reason: why, forced: true})
	}
	return true
}

// reinstall notices that the kernel refused a repair.
func (s *Set) reinstall() bool {
	done, failure := s.carried()
	if !done || failure == nil {
		return false
	}
	s.retry = s.now.Add(retryInstall)
	s.retryText = fmt.Sprintf("the kernel refused the addresses: %v", failure)
	return true
}

// depart begins an orderly leave: first silence, then priority 0.
func (s *Set) depart(l leave) {
	l.begun = s.now
	l.stopped = s.leave.stopped
	s.leave = l
	s.stopAnnouncing()
	s.phase = hushing
	s.order(Quiet)
}

func (s *Set) settleHushing() bool {
	if !s.every(isActive) {
		s.yieldToHigher()
		return true
	}
	if s.severed() {
		s.drop(s.unfitness())
		return true
	}
	done, failure := s.carried()
	if !done {
		return false
	}
	if failure != nil {
		// What cannot be silenced must not answer beside the successor.
		s.order(Remove)
	}
	// Without preemption the routers accept, and so hear, a successor of a
	// lower priority.
	s.all(vrrp.SetPreempt(false))
	s.all(vrrp.Yield())
	if s.leave.cause == toPeer {
		for i := range s.members {
			s.emit(Action{Kind: ActionTell, Router: i, Name: s.leave.to})
		}
	}
	s.leave.deadline = s.now.Add(s.patience())
	s.enter(leaving, s.leave.reason)
	return true
}

// patience is how long any backup may take to answer a priority 0: its
// Skew_Time is below one interval, in version 2 below one second
// (RFC 3768 §6.1).
func (s *Set) patience() time.Duration {
	var longest time.Duration
	for i := range s.members {
		c := s.members[i].router.Config()
		d := c.Interval
		if c.Version == 2 {
			d = max(d, time.Second)
		}
		longest = max(longest, d)
	}
	return longest + leaveSlack
}

// yieldToHigher leaves because a router heard an Active with a better claim:
// the successor is there already.
func (s *Set) yieldToHigher() {
	reason := ""
	for i := range s.members {
		if r := s.members[i].router; r.State() != vrrp.Active && reason == "" {
			reason = s.members[i].reason
		}
	}
	s.stopAnnouncing()
	if s.phase != hushing {
		s.leave = leave{cause: toHigher, begun: s.now, stopped: s.leave.stopped}
	}
	s.order(Quiet)
	s.all(vrrp.Yield())
	s.leave.heard = s.primary()
	s.leave.deadline = s.now.Add(leaveGrace)
	s.enter(leaving, reason)
	s.succeeded()
}

// settleLeaving ends the leave when the successor was heard and the grace is
// over, or when nobody came in time.
func (s *Set) settleLeaving() bool {
	l := &s.leave
	if s.severed() {
		s.finish()
		return true
	}
	if !l.heard.IsValid() && s.heardSince(l.begun) {
		l.heard = s.primary()
		l.deadline = s.now.Add(leaveGrace)
		s.succeeded()
	}
	if s.now.Before(l.deadline) {
		return false
	}
	if l.heard.IsValid() || l.forced {
		s.finish()
		return true
	}
	s.resume()
	return true
}

// heardSince reports whether every router has heard an Active since t.
func (s *Set) heardSince(t time.Time) bool {
	return s.every(func(r *vrrp.Router) bool {
		p, ok := r.Active()
		return ok && p.LastHeard.After(t)
	})
}

// succeeded answers the operator, if one waits.
func (s *Set) succeeded() {
	l := &s.leave
	text := fmt.Sprintf("%s is active, %s after this node let go",
		l.heard, s.now.Sub(l.begun).Round(100*time.Microsecond))
	switch l.cause {
	case toPeer:
		s.suspend(l.to)
		s.suspended.holder = l.heard
		s.emit(Action{Kind: ActionResult, OK: true, Text: text})
	case toRest:
		s.emit(Action{Kind: ActionResult, OK: true, Text: text})
	}
	s.record(0, Record{Kind: "notice", Code: "HF2003", Reason: "successor heard: " + text, Peer: l.heard})
}

// finish takes the addresses off and goes where the leave was bound for.
func (s *Set) finish() {
	l := s.leave
	s.order(Remove)
	if l.cause != toPeer {
		s.restorePreempt()
	}
	if !l.heard.IsValid() && l.cause == toRest {
		s.emit(Action{Kind: ActionResult, OK: true, Text: "nobody took over: the addresses are held by no node"})
	}
	s.phase = waiting
}

// resume calls a leave off that nobody answered: an address is better held
// here than nowhere.
func (s *Set) resume() {
	l := s.leave
	text := fmt.Sprintf("no node took over within %s: still held here", s.now.Sub(l.begun).Round(time.Millisecond))
	s.maintenance = s.maintenance && l.cause != toRest
	s.order(Install)
	s.claimed = s.now
	s.taking = text
	s.phase = claiming
	s.emit(Action{Kind: ActionResult, OK: false, Text: text})
}

// drop lets go at once: on a dead link there is nobody to serve and nothing
// to say.
func (s *Set) drop(reason string) {
	s.stopAnnouncing()
	s.all(vrrp.Shutdown())
	s.order(Remove)
	s.enter(unfit, reason)
}

func isActive(r *vrrp.Router) bool { return r.State() == vrrp.Active }
