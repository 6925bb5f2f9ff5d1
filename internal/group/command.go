package group

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/holdfast-net/holdfast/vrrp"
)

// handover is an operator's planned move.
func (s *Set) handover(ev Event) {
	switch s.phase {
	case holding:
		reason := "handover by an operator"
		if ev.Name != "" {
			reason += " to " + ev.Name
		}
		s.depart(leave{cause: toPeer, reason: reason, to: ev.Name})
	case hushing, leaving:
		s.emit(Action{Kind: ActionResult, Text: "this node is leaving already"})
	default:
		s.emit(Action{Kind: ActionResult, Text: fmt.Sprintf("this node is %s: only the holder can hand over", s.phase.state())})
	}
}

// maintain switches the operator's maintenance. A set that holds answers when
// its leave ends, any other at once.
func (s *Set) maintain(ev Event) {
	s.maintenance = ev.Up
	s.leave.forced = ev.Force
	if s.phase != holding {
		s.emit(Action{Kind: ActionResult, OK: true, Text: "nothing was held here"})
	} else if !ev.Up {
		s.emit(Action{Kind: ActionResult, OK: true, Text: "held here"})
	}
}

// suspension keeps a node from preempting the one that an operator chose. It
// ends when this node becomes active, or when another node than the chosen
// one turns up as the holder.
type suspension struct {
	on     bool
	to     string
	holder netip.Addr
}

func (s *Set) suspend(to string) {
	s.suspended = suspension{on: true, to: to}
	s.all(vrrp.SetPreempt(false))
}

func (s *Set) watchSuspension(i int) {
	if !s.suspended.on || s.phase != waiting {
		return
	}
	p, ok := s.members[0].router.Active()
	switch {
	case !ok || i != 0:
	case !s.suspended.holder.IsValid():
		s.suspended.holder = p.Addr
	case s.suspended.holder != p.Addr:
		s.restorePreempt()
	}
}

func (s *Set) restorePreempt() {
	s.suspended = suspension{}
	for i := range s.members {
		s.route(i, vrrp.SetPreempt(s.members[i].preempt), time.Time{})
	}
}
