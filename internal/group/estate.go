package group

import (
	"net/netip"
	"time"

	"github.com/holdfast-net/holdfast/internal/hold"
	"github.com/holdfast-net/holdfast/vrrp"
)

// Estate is what the set of one process leaves to that of the next, when the
// program is replaced: a holder goes on holding, without a transition, an
// advert too late or an announcement. Times are told from the instant at which
// it was drawn up.
type Estate struct {
	State       State
	Reason      string
	Age         time.Duration // of the State
	Transitions uint64
	Maintenance bool
	Forced      bool
	Wanting     bool
	MandateFor  time.Duration
	RetryIn     time.Duration // of a set that the kernel refused
	RetryText   string
	Refusals    int
	Failures    int         // of taking its steps, or of making it safe to
	Taken       bool        // its steps are
	Stuck       string      // why they could not be undone
	Withheld    withholding // until they are
	Humbled     bool
	Lacks       []LackEstate     `json:",omitempty"`
	Suspended   *SuspendedEstate `json:",omitempty"`
	Disputes    uint64
	DisputedFor time.Duration
	Lapses      Lapses
	Departed    netip.Addr // who left last as Active
	DepartedAge time.Duration
	Announces   []AnnounceEstate
	Owed        []int // how often each router says yet that this node yields
	Routers     []vrrp.Estate
}

// SuspendedEstate is a preemption that is put off.
type SuspendedEstate struct {
	To     string
	Age    time.Duration
	Gate   *time.Duration `json:",omitempty"`
	Holder netip.Addr
}

// LackEstate is what a group lacks.
type LackEstate struct {
	Group, What string
	For         For
	Met         bool
	Left, Again time.Duration // until it is waited for no more, now and the next time
	Why         string
}

// AnnounceEstate is how far the announcements of a group have come.
type AnnounceEstate struct {
	On     bool
	Age    time.Duration
	Sent   int
	NextIn time.Duration
}

// Still reports whether the set is between two moves, with nothing under way:
// only then can it be handed on.
func (s *Set) Still() bool {
	done, failure := s.carried()
	if !done || failure != nil || len(s.commands) > 0 || s.taking != "" {
		return false
	}
	if s.steps == stepsTaking || s.steps == stepsLeaving {
		return false
	}
	switch s.phase {
	case claiming, demoting, leaving:
		return false
	case holding:
		return s.contest.IsZero() && s.every(isActive)
	}
	return true
}

// Estate draws up what a set leaves that is [Set.Still].
func (s *Set) Estate(now time.Time) Estate {
	e := Estate{
		State: s.phase.state(), Reason: s.reason, Age: now.Sub(s.since), Transitions: s.transitions,
		Maintenance: s.maintenance, Forced: s.forced,
		Wanting: s.wanting, MandateFor: s.mandate.Sub(now),
		RetryIn: s.retry.Sub(now), RetryText: s.retryText, Refusals: s.refusals,
		Failures: s.failures, Taken: s.steps == stepsTaken, Stuck: s.stuckText, Withheld: s.withheld,
		Humbled: s.humbled, Disputes: s.disputes, DisputedFor: s.disputedFor, Lapses: s.lapses,
	}
	for _, l := range s.lacks {
		e.Lacks = append(e.Lacks, LackEstate{l.Group, l.What, l.For, l.Met, l.Until.Sub(now), l.Again, l.Why})
	}
	if p := &s.suspended; p.on {
		e.Suspended = &SuspendedEstate{To: p.to, Age: now.Sub(p.begun), Holder: p.holder}
		if !p.gate.IsZero() {
			d := p.gate.Sub(now)
			e.Suspended.Gate = &d
		}
	}
	if s.departed.IsValid() {
		e.Departed, e.DepartedAge = s.departed, now.Sub(s.departedAt)
	}
	for _, a := range s.announces {
		e.Announces = append(e.Announces, AnnounceEstate{On: a.on, Age: now.Sub(a.begun), Sent: a.sent, NextIn: a.next.Sub(now)})
	}
	for i := range s.members {
		e.Routers = append(e.Routers, s.members[i].router.Estate(now))
		e.Owed = append(e.Owed, s.members[i].owed)
	}
	return e
}

// Inherit makes a set that was not started, and knows its links and checks, go
// on with an estate that was drawn up at drawn for a set of the same groups and
// routers. What it holds it goes on holding; the caller has taken over the
// holds themselves.
func (s *Set) Inherit(now, drawn time.Time, e *Estate, out []Action) []Action {
	s.now, s.out = now, out
	s.ticked = false
	s.started = true
	s.maintenance, s.forced = e.Maintenance, e.Forced
	s.wanting, s.mandate = e.Wanting, drawn.Add(e.MandateFor)
	s.retry, s.retryText, s.refusals = drawn.Add(e.RetryIn), e.RetryText, e.Refusals
	s.failures, s.withheld, s.lapses = e.Failures, e.Withheld, e.Lapses
	if e.Departed.IsValid() {
		s.departed, s.departedAt = e.Departed, drawn.Add(-e.DepartedAge)
	}
	for i := range min(len(e.Owed), len(s.members)) {
		s.members[i].owed = e.Owed[i]
	}
	switch {
	case e.Taken:
		s.steps = stepsTaken
	case e.Stuck != "":
		s.steps, s.stuckText = stepsStuck, e.Stuck
	}
	s.disputes, s.disputedFor = e.Disputes, e.DisputedFor
	s.reason, s.since, s.transitions = e.Reason, drawn.Add(-e.Age), e.Transitions
	// While the routers are in Init nothing of this says a word.
	if p := e.Suspended; p != nil {
		s.suspended = suspension{on: true, to: p.To, begun: drawn.Add(-p.Age), holder: p.Holder}
		if p.Gate != nil {
			s.suspended.gate = drawn.Add(*p.Gate)
		}
	}
	s.inheritLacks(drawn, e)
	s.humble(e.Humbled)
	switch e.State {
	case Active:
		s.inheritHold(drawn, e)
	case Backup:
		s.phase = waiting
		s.doubt()
	case Fault:
		s.phase = unfit
	default:
		s.phase = resting
	}
	if s.phase == waiting || s.phase == holding {
		for i := range s.members {
			s.members[i].router.Inherit(now, drawn, e.Routers[i])
		}
		s.lastHolder = s.holder()
	}
	for s.settle() {
	}
	s.demote()
	s.announce()
	out, s.out = s.out, nil
	return out
}

func (s *Set) inheritHold(drawn time.Time, e *Estate) {
	s.phase = holding
	for s.verified < len(verify) && !s.now.Before(s.since.Add(verify[s.verified])) {
		s.verified++ // the process before has asked
	}
	for i := range s.members {
		m := &s.members[i]
		m.level = hold.Holding
		s.give(i, Install) // it is there, and once more does no harm
	}
	for g := range s.announces {
		if g < len(e.Announces) && e.Announces[g].On {
			a := e.Announces[g]
			s.announces[g] = schedule{on: true, begun: drawn.Add(-a.Age), sent: a.Sent, next: drawn.Add(a.NextIn)}
		}
	}
}
