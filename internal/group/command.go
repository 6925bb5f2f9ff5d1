package group

import (
	"fmt"
	"slices"
)

// Every command of an operator gets exactly one result, and results come in
// the order of the commands: so the caller can match the one to the other
// without a number. A command whose end is still open (a handover that waits
// for its successor) therefore holds back the results of those after it.

// command is one that has not been answered.
type command struct {
	leave bool // answered when the leave in progress ends
	on    bool // maintenance was switched on; else a handover
	ok    bool
	text  string
}

// answer gives the result of a command that is over already.
func (s *Set) answer(ok bool, text string) {
	s.commands = append(s.commands, command{ok: ok, text: text})
	s.flush()
}

// conclude gives the result of the commands that waited for the leave that
// ended: one text for handovers, another for maintenance.
func (s *Set) conclude(handover, maintenance command) {
	for i := range s.commands {
		c := &s.commands[i]
		switch {
		case !c.leave:
		case c.on:
			*c = maintenance
		default:
			*c = handover
		}
	}
	s.flush()
}

// flush emits the results that no open command holds back.
func (s *Set) flush() {
	n := 0
	for n < len(s.commands) && !s.commands[n].leave {
		c := s.commands[n]
		s.emit(Action{Kind: ActionResult, OK: c.ok, Text: c.text})
		n++
	}
	s.commands = slices.Delete(s.commands, 0, n)
}

// handover is an operator's planned move.
func (s *Set) handover(ev Event) {
	switch {
	case s.phase == holding:
		reason := "handover by an operator"
		if ev.Name != "" {
			reason += " to " + ev.Name
		}
		s.commands = append(s.commands, command{leave: true})
		s.depart(leave{cause: toPeer, reason: reason, to: ev.Name})
	case s.departing():
		s.answer(false, "this node is leaving already")
	default:
		s.answer(false, fmt.Sprintf("this node is %s: only the holder can hand over", s.phase.state()))
	}
}

// maintain switches the operator's maintenance. A set that holds answers when
// its leave ends, any other at once.
func (s *Set) maintain(ev Event) {
	s.maintenance = ev.Up
	s.forced = ev.Up && ev.Force
	switch {
	case ev.Up && (s.phase == holding || s.departing()):
		s.commands = append(s.commands, command{leave: true, on: true})
	case s.phase == holding:
		s.answer(true, "held here")
	case s.departing():
		s.answer(true, "this node leaves and then stands by as backup")
	default:
		s.answer(true, "nothing was held here")
	}
}

// departing reports whether a leave waits for its successor, or takes the
// addresses back for want of one.
func (s *Set) departing() bool {
	switch s.phase {
	case demoting:
		return true
	case leaving:
		return !s.leave.followed()
	case claiming:
		return s.resuming
	}
	return false
}
