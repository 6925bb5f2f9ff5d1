package group

import "time"

// A guarded set holds and claims only with a mandate: the promise of a
// majority of its cluster, say (package vote), that lasts until an instant. It
// asks for one when it would claim, and keeps asking for as long as it holds;
// the caller limits the hold to the mandate. It gives the mandate back when
// its doors are closed.

func (s *Set) guarded() bool { return s.groups[0].Guarded }

// mandated reports whether the set may claim now.
func (s *Set) mandated() bool { return !s.guarded() || s.now.Before(s.mandate) }

// want asks for a mandate.
func (s *Set) want() {
	if !s.guarded() || s.wanting {
		return
	}
	s.wanting = true
	s.emit(Action{Kind: ActionWant, Router: s.lead, Priority: s.rank()})
}

// unwant gives it back, for anybody.
func (s *Set) unwant() { s.bequeath("", false) }

// bequeath gives it back for a successor: the one named, or the best.
func (s *Set) bequeath(to string, best bool) {
	if !s.wanting {
		return
	}
	if s.busy() {
		if s.withheld.Mandate = s.mandated(); !s.withheld.Mandate {
			// It has ended by itself: to give it back now would say that
			// nothing is taken here.
			s.abandonMandate()
		}
		return
	}
	s.wanting, s.mandate = false, time.Time{}
	s.emit(Action{Kind: ActionRelease, Router: s.lead, Name: to, OK: best})
}

// Wanting reports whether a mandate was asked for.
func (s *Set) Wanting() bool { return s.wanting }
