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
// without it goes on without.
type Lack struct {
	What  string    // one word, the same in all that is said of it
	For   For       // which it is not to do
	Until time.Time // when it may do so all the same; said again, the later one counts
	// Again is for what gets old: the group lacks it anew, for that long, when
	// it has ceased to hold, when it begins to take part, and when a link has
	// come back, since another node may have held meanwhile. 0: it does not.
	Again time.Duration
	Why   string // how far it has come, for people
}

// lacking is a lack of one of the set's groups. One that is met is kept where it
// can come again.
type lacking struct {
	Group string
	Met   bool
	Lack
}

// lack notes that a group has not got something yet, or how far it has come,
// or (Up) that it has it.
func (s *Set) lack(ev Event) {
	rank := s.rank()
	i := slices.IndexFunc(s.lacks, func(l lacking) bool { return l.Group == ev.Name && l.What == ev.Lack.What })
	if ev.Up {
		if i >= 0 && !s.lacks[i].Met {
			s.noteLack(ev.Name, "HF2032", ev.Lack.What+": it is there")
		}
		s.meet(func(l *lacking) bool { return l.Group == ev.Name && l.What == ev.Lack.What })
		s.retemper(rank)
		return
	}
	if i < 0 {
		s.lacks = append(s.lacks, lacking{Group: ev.Name, Met: true})
		i = len(s.lacks) - 1
	}
	l := &s.lacks[i]
	if l.Until.After(ev.Lack.Until) {
		ev.Lack.Until = l.Until
	}
	l.Lack = ev.Lack
	if s.State() == Active || !s.now.Before(l.Until) {
		s.meet(func(l *lacking) bool { return l.Group == ev.Name && l.What == ev.Lack.What })
	} else if l.Met {
		s.begin(l)
	}
	s.retemper(rank)
}

func (s *Set) begin(l *lacking) {
	l.Met = false
	s.noteLack(l.Group, "HF2032", fmt.Sprintf("%s, for %s at the most: %s", l, l.Until.Sub(s.now).Round(time.Millisecond), l.Why))
}

// meet ends lacks, and forgets those that do not come again.
func (s *Set) meet(which func(*lacking) bool) {
	kept := s.lacks[:0]
	for _, l := range s.lacks {
		if which(&l) {
			if l.Again == 0 {
				continue
			}
			l.Met = true
		}
		kept = append(kept, l)
	}
	s.lacks = kept
}

// lackAnew is for when another node may have held.
func (s *Set) lackAnew() {
	rank := s.rank()
	for i := range s.lacks {
		l := &s.lacks[i]
		if l.Again == 0 {
			continue
		}
		l.Until = s.now.Add(l.Again)
		if l.Met {
			s.begin(l)
		}
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
	rank := s.rank()
	s.meet(func(l *lacking) bool {
		if l.Met || s.now.Before(l.Until) {
			return false
		}
		s.noteLack(l.Group, "HF2033", fmt.Sprintf("%s has not come in time, and is waited for no more: %s", l.What, l.Why))
		return true
	})
	s.retemper(rank)
}

// lacksDue is when the next of them is overdue.
func (s *Set) lacksDue() (at time.Time) {
	for _, l := range s.lacks {
		if !l.Met && (at.IsZero() || l.Until.Before(at)) {
			at = l.Until
		}
	}
	return at
}

// inheritLacks adds what the process before said to what this one has said
// already, which is newer.
func (s *Set) inheritLacks(drawn time.Time, e *Estate) {
	if e.State == Active {
		s.meet(func(*lacking) bool { return true })
	}
	for _, l := range e.Lacks {
		if !slices.ContainsFunc(s.lacks, func(n lacking) bool { return n.Group == l.Group && n.What == l.What }) {
			s.lacks = append(s.lacks, lacking{l.Group, l.Met, Lack{l.What, l.For, drawn.Add(l.Left), l.Again, l.Why}})
		}
	}
}

// unready reports whether the set must not claim, whoever holds or does not.
func (s *Set) unready() bool {
	return slices.ContainsFunc(s.lacks, func(l lacking) bool { return !l.Met && l.For == Claiming })
}

// meek reports whether the set's routers accept an Active of any priority: an
// operator has chosen another node, or this one lacks something. Only an Active
// that falls silent is replaced.
func (s *Set) meek() bool { return s.humbled || s.behind() }

// behind reports whether the set lacks anything.
func (s *Set) behind() bool {
	return slices.ContainsFunc(s.lacks, func(l lacking) bool { return !l.Met })
}

// temper makes the routers so, or stops that. An owner preempts whatever the
// Preempt_Mode is (RFC 9568 §6.1), so it steps down to the highest priority of
// those that do not.
func (s *Set) temper() {
	s.tempered = s.meek()
	for i := range s.members {
		s.route(i, vrrp.SetPreempt(s.members[i].preempt && !s.meek()), time.Time{})
	}
	s.reprioritise()
}

// retemper is for when that may have changed: rank is what it was.
func (s *Set) retemper(rank uint8) {
	if s.tempered != s.meek() {
		s.temper()
	}
	if s.rank() != rank {
		s.wantAgain()
	}
}
