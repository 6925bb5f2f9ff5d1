package group

import (
	"fmt"
	"time"

	"github.com/holdfast-net/holdfast/internal/hold"
	"github.com/holdfast-net/holdfast/vrrp"
)

// What a group needs beside its addresses (a database that has to be promoted,
// a unit that has to be started) is taken when the hold of every other node is
// over, and before the own one is opened; it is left before the right to hold
// is given back. Package order does that, step by step; the set knows how far
// it is as a whole.
//
// As long as anything of it may be taken here, this node does not say that it
// has let go: no priority 0, no yield, no release of a mandate. The others then
// wait until its adverts or its mandate are over, and no longer.

// steps is how far the steps of a set are.
type steps uint8

const (
	stepsClean   steps = iota // nothing is taken
	stepsTaking               // they are being done
	stepsTaken                // all are done
	stepsLeaving              // they are being undone
	stepsStuck                // some could not be undone
)

// withholding is what is to be said when nothing is taken any more.
type withholding struct {
	Mandate bool // that it is given back
	Yield   bool
}

// busy reports whether anything of the steps may be taken here.
func (s *Set) busy() bool { return s.steps != stepsClean }

// Taken reports whether anything of the steps may be taken here, and Stuck
// whether that could not be undone.
func (s *Set) Taken() bool { return s.busy() }

func (s *Set) Stuck() bool { return s.steps == stepsStuck }

// ordered reports whether a group of the set has steps.
func (s *Set) ordered() bool {
	for g := range s.groups {
		if s.groups[g].Steps {
			return true
		}
	}
	return false
}

// claimLevel is what a claim lets pass: with steps, nobody is served before they
// are done.
func (s *Set) claimLevel() hold.Level {
	if s.ordered() {
		return hold.Preparing
	}
	return hold.Claiming
}

// promoted reports whether the steps are done, and asks for them where they
// were not begun.
func (s *Set) promoted() bool {
	if s.steps == stepsClean && s.ordered() {
		s.steps = stepsTaking
		s.emit(Action{Kind: ActionTake, Text: s.claimReason()})
		return false
	}
	return s.steps == stepsClean || s.steps == stepsTaken
}

// demote has the steps undone where the set neither holds nor claims any more.
func (s *Set) demote() {
	if s.steps != stepsTaking && s.steps != stepsTaken {
		return
	}
	switch s.phase {
	case claiming, holding:
		return
	case demoting:
		s.leaveSteps(leaveRole(s.leave.cause), s.leave.reason)
	default:
		s.leaveSteps(s.phase.state(), s.reason)
	}
}

func (s *Set) leaveSteps(role State, why string) {
	s.steps = stepsLeaving
	s.emit(Action{Kind: ActionLeave, Name: role.String(), Text: why})
}

// leaveRole is what a group becomes that leaves for a cause.
func leaveRole(c cause) State {
	switch c {
	case toFault:
		return Fault
	case toRest, toStop:
		return Init
	}
	return Backup
}

// stepped notes what became of the steps.
func (s *Set) stepped(ev Event) {
	switch ev.Steps {
	case StepsUnfinished:
		if s.steps == stepsClean {
			s.steps = stepsLeaving
		}
	case StepsTook:
		if s.steps == stepsTaking {
			s.steps, s.failures = stepsTaken, 0
		}
	case StepsFailed:
		s.steps = stepsClean
		s.release()
		if s.phase == claiming {
			s.retry = s.now.Add(backoff(s.failures, longestRetry))
			s.failures++
			s.retryText = ev.Text
			s.giveUp(unfit, s.retryText)
		}
	case StepsLeft:
		s.steps, s.stuckText = stepsClean, ""
		s.release()
	case StepsStuck:
		s.steps, s.stuckText = stepsStuck, ev.Text
		switch s.phase {
		case demoting:
			s.overstay()
		case claiming:
			s.giveUp(unfit, s.stuckText)
		}
		s.forsake()
	}
}

// release says what was not said while something was taken.
func (s *Set) release() {
	if s.withheld.Mandate {
		s.withheld.Mandate = false
		s.unwant()
	}
	if s.withheld.Yield {
		s.withheld.Yield = false
		s.owe()
	}
}

// forsake stops asking for a mandate that may not be given back: it ends by
// itself.
func (s *Set) forsake() {
	s.withheld.Mandate = false
	if s.wanting && s.phase != holding && s.phase != claiming {
		s.abandonMandate()
	}
}

func (s *Set) abandonMandate() {
	s.wanting, s.mandate = false, time.Time{}
	s.emit(Action{Kind: ActionForsake, Router: s.lead})
}

// letGo makes routers let go of what they advertised: with a priority 0, unless
// something is still taken here.
func (s *Set) letGo(ev vrrp.Event) {
	if s.busy() {
		s.all(vrrp.Lapse())
	}
	s.all(ev)
}

// settleDemoting goes on with the leave once nothing is taken any more.
func (s *Set) settleDemoting() bool {
	switch {
	case s.severed():
		s.drop(s.unfitness())
	case !s.every(isActive):
		// Another node did not wait.
		s.leave.heard = s.primary()
		s.quit(waiting, s.leave.reason)
		s.succeeded()
	case !s.busy():
		s.depart(s.leave)
	default:
		return false
	}
	return true
}

// overstay lets the hold lapse of a set that could not undo its steps: nobody
// is told that it let go.
func (s *Set) overstay() {
	reason := fmt.Sprintf("could not let go in order: %s; the hold lapses instead", s.stuckText)
	s.record(0, Record{Kind: "notice", Code: "HF2027", Reason: reason})
	s.quit(unfit, reason)
	s.abandoned(reason)
}

// quit closes the doors without a word.
func (s *Set) quit(next phase, reason string) {
	s.level(hold.Closed)
	s.all(vrrp.Lapse())
	if next != waiting {
		s.all(vrrp.Shutdown())
	}
	s.order(Remove)
	s.enter(next, reason)
	s.owe()
}
