package group

import (
	"fmt"
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/vrrp"
)

// For is what a set does not do for want of something.
type For uint8

const (
	// Claiming: it does not become Active. An address that answers before what
	// serves it is in place resets connections that another node would have
	// gone on with.
	Claiming For = iota
	// Preempting: it does not take the place of a holder that lives. Where there
	// is none it claims at once: who lacks something serves better than nobody.
	Preempting
)

func (f For) String() string { return name([]string{"claiming", "preempting"}, int(f), "lack") }

// Lack is something that a group should have before it holds: flows of the
// node that holds, programs that serve. A holder lacks nothing: what it began
// without it goes on without, and from then on words of it are not heeded.
type Lack struct {
	What  string    // one word, the same in all that is said of it
	For   For       // which it is not to do
	Until time.Time // when it may do so all the same
	Why   string    // how far it has come, for people
}

// lacking is a lack of one of the set's groups.
type lacking struct {
	Group string
	Lack
}

// lack notes that a group has not got something yet, or how far it has come,
// or (Up) that it has it.
func (s *Set) lack(ev Event) {
	rank := s.rank()
	i := slices.IndexFunc(s.lacks, func(l lacking) bool { return l.Group == ev.Name && l.What == ev.Lack.What })
	switch {
	case ev.Up && i >= 0:
		s.lacks = slices.Delete(s.lacks, i, i+1)
		s.noteLack(ev.Name, "HF2032", fmt.Sprintf("%s: it is there", ev.Lack.What))
	case ev.Up, s.phase == holding, s.phase == demoting, !s.now.Before(ev.Lack.Until):
		return
	case i >= 0:
		s.lacks[i].Lack = ev.Lack
	default:
		s.lacks = append(s.lacks, lacking{ev.Name, ev.Lack})
		s.noteLack(ev.Name, "HF2032", fmt.Sprintf("%s, for %s at the most: %s", s.lacks[len(s.lacks)-1], ev.Lack.Until.Sub(s.now).Round(time.Millisecond), ev.Lack.Why))
	}
	s.retemper(rank)
}

func (l lacking) String() string {
	if l.For == Claiming {
		return "does not claim without " + l.What
	}
	return "does not preempt without " + l.What
}

func (s *Set) noteLack(g, code, text string) {
	for i := range s.groups {
		if s.groups[i].Name == g {
			s.record(i, Record{Kind: "notice", Code: code, Reason: text})
		}
	}
}

// overdue lets the set do without what has not come in time.
func (s *Set) overdue() {
	n, rank := len(s.lacks), s.rank()
	s.lacks = slices.DeleteFunc(s.lacks, func(l lacking) bool {
		if s.now.Before(l.Until) {
			return false
		}
		s.noteLack(l.Group, "HF2033", fmt.Sprintf("%s has not come in time, and is waited for no more: %s", l.What, l.Why))
		return true
	})
	if len(s.lacks) < n {
		s.retemper(rank)
	}
}

// lacksDue is when the next of them is overdue.
func (s *Set) lacksDue() (at time.Time) {
	for _, l := range s.lacks {
		if at.IsZero() || l.Until.Before(at) {
			at = l.Until
		}
	}
	return at
}

// inheritLacks adds what the process before said to what this one has said
// already, which is newer.
func (s *Set) inheritLacks(drawn time.Time, e *Estate) {
	if e.State == Active {
		s.lacks = nil
	}
	for _, l := range e.Lacks {
		if !slices.ContainsFunc(s.lacks, func(n lacking) bool { return n.Group == l.Group && n.What == l.What }) {
			s.lacks = append(s.lacks, lacking{l.Group, Lack{l.What, l.For, drawn.Add(l.Left), l.Why}})
		}
	}
}

// unready reports whether the set must not claim, whoever holds or does not.
func (s *Set) unready() bool {
	return slices.ContainsFunc(s.lacks, func(l lacking) bool { return l.For == Claiming })
}

// meek reports whether the set's routers accept an Active of any priority: an
// operator has chosen another node, or this one lacks something. Only an Active
// that falls silent is replaced.
func (s *Set) meek() bool { return s.humbled || len(s.lacks) > 0 }

// temper makes the routers so, or stops that. An owner preempts whatever the
// Preempt_Mode is (RFC 9568 §6.1), so it steps down to the highest priority of
// those that do not.
func (s *Set) temper() {
	for i := range s.members {
		s.route(i, vrrp.SetPreempt(s.members[i].preempt && !s.meek()), time.Time{})
	}
	s.reprioritise()
}

// retemper is for when that may have changed: rank is what it was.
func (s *Set) retemper(rank uint8) {
	s.temper()
	if s.rank() != rank {
		s.wantAgain()
	}
}
