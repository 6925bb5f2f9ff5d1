package group

import (
	"fmt"
	"time"

	"github.com/holdfast-net/holdfast/internal/hold"
	"github.com/holdfast-net/holdfast/vrrp"
)

// level moves the hold of every router.
func (s *Set) level(to hold.Level) {
	for i := range s.members {
		s.levelOf(i, to)
	}
	if to == hold.Closed {
		s.unwant()
	}
}

func (s *Set) levelOf(i int, to hold.Level) {
	m := &s.members[i]
	if to == hold.Closed && m.level == hold.Closed {
		return
	}
	m.level = to
	of := m.router
	if to == hold.Claiming || to == hold.Preparing {
		// The leading router speaks for all, so all may only rely on what
		// others concede to it.
		of = s.members[s.lead].router
	}
	s.emit(Action{Kind: ActionHold, Router: i, Level: to, For: term(of)})
}

// serve lets a router serve what still arrives, and announce nothing.
func (s *Set) serve(i int, d time.Duration) {
	s.members[i].level = hold.Serving
	s.emit(Action{Kind: ActionHold, Router: i, Level: hold.Serving, For: d})
}

func (s *Set) serveAll(d time.Duration) {
	for i := range s.members {
		s.serve(i, d)
	}
}

func term(r *vrrp.Router) time.Duration {
	c := r.Config()
	return hold.Term(c.Interval, c.Version)
}

// lapse is a hold that ended by itself: this node was late with an advert,
// for whatever reason, and the kernel has stopped answering. Others may hold
// by now, so it starts over as any backup.
func (s *Set) lapse(ev Event) {
	late := ev.Late.Round(10 * time.Microsecond)
	switch s.phase {
	case claiming:
		s.all(vrrp.Lapse())
		s.retreat(fmt.Sprintf("the claim was given up: it came %s too late", late))
	case holding, demoting:
		s.lapses = Lapses{Count: s.lapses.Count + 1, Last: s.now, Late: ev.Late}
		code, reason := "HF2022", fmt.Sprintf("this node was late: its hold had ended %s before it could be renewed", late)
		if !s.mandated() {
			code, reason = "HF2026", "the hold has ended: who guards the group does not agree to this node any more"
			if s.leased() {
				reason = "the hold has ended: its lease was not renewed in time"
			}
		}
		s.stopAnnouncing()
		s.level(hold.Closed)
		s.all(vrrp.Lapse())
		s.order(Remove)
		s.record(0, Record{Kind: "notice", Code: code, Reason: reason})
		s.enter(waiting, reason)
		s.abandoned(reason)
		s.owe()
	}
}

// listenAnew is for a router that may have missed who is Active.
func (s *Set) listenAnew(i int) {
	s.doubt()
	switch s.phase {
	case waiting:
		s.taking = ""
		s.route(i, vrrp.Lapse(), time.Time{})
	case claiming:
		s.all(vrrp.Lapse())
		s.retreat("the claim was given up: this node stood still, and may have missed who is active")
	}
}
