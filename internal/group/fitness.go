package group

import (
	"fmt"
	"time"

	"github.com/holdfast-net/holdfast/vrrp"
)

// check notes a check's result. A veto makes the set unfit (settle sees it);
// a weight changes the effective priority at once.
func (s *Set) check(ev Event) {
	delete(s.awaited, ev.Name)
	delete(s.worth, ev.Name)
	delete(s.down, ev.Name)
	switch {
	case ev.Await:
		s.awaited[ev.Name] = true
	case !ev.Up:
		s.down[ev.Name] = ev.Text
	case ev.Worth != Worth{}:
		s.worth[ev.Name] = ev.Worth
	}
	s.reprioritise()
}

// untested says which check has no result yet; "" when all have one. Only a
// set that does not take part waits for it: a check that comes with a reload
// must not take a holder away.
func (s *Set) untested() string {
	for g := range s.groups {
		for _, u := range s.groups[g].Uses {
			if s.awaited[u.Check] {
				return fmt.Sprintf("waiting for the first result of check %s", u.Check)
			}
		}
	}
	return ""
}

// link notes what became of a router's interface. While it was down, the set
// could not hear on it who holds.
func (s *Set) link(ev Event) {
	m := &s.members[ev.Router]
	if ev.Up && !m.linkUp {
		s.doubt()
		if s.State() == Backup {
			s.lackAnew()
		}
	}
	m.linkUp, m.linkWhy = ev.Up, ev.Text
	if !ev.Up || !ev.Addr.IsValid() || ev.Addr == m.config.Source {
		return
	}
	m.config.Source = ev.Addr
	s.adapt(ev.Router)
}

// adapt gives a router the configuration that is wanted for it. It may not fit
// the interface: a list of peers that names this node's own address, say. That
// is a fault, until either changes.
func (s *Set) adapt(i int) {
	m := &s.members[i]
	acts, err := m.router.Reconfigure(s.now, m.config, s.acts[:0])
	if err != nil {
		m.misfit = err.Error()
		return
	}
	m.misfit = ""
	for _, a := range acts {
		if a.Kind == vrrp.ActionSend {
			s.emit(Action{Kind: ActionSend, Router: i, Priority: a.Priority})
		}
	}
}

// Weight sums over the whole set: groups that move together are judged
// together, or their members would disagree about who should hold them.
func (s *Set) weightDown() int {
	sum := 0
	for g := range s.groups {
		for _, u := range s.groups[g].Uses {
			if _, down := s.down[u.Check]; down {
				sum += u.Weight
			} else if w := s.worth[u.Check]; u.Weight != 0 {
				sum += u.Weight*w.Short/100 - w.Points
			}
		}
	}
	return sum
}

func (s *Set) reprioritise() {
	down := s.weightDown()
	changed := false
	for i := range s.members {
		r := s.members[i].router
		p := effective(s.groups[s.members[i].group].priority(), down)
		if s.meek() {
			p = min(p, vrrp.OwnerPriority-1)
		}
		if p != r.Priority() {
			s.route(i, vrrp.SetPriority(p), time.Time{})
			changed = true
		}
	}
	if changed {
		s.wantAgain()
	}
}

// unfitness says why the set must not hold its addresses; "" when it may.
func (s *Set) unfitness() string {
	for i := range s.members {
		switch m := &s.members[i]; {
		case !m.linkUp:
			return m.linkWhy
		case m.misfit != "":
			return m.misfit
		}
	}
	for g := range s.groups {
		for _, u := range s.groups[g].Uses {
			if why, down := s.down[u.Check]; down && u.Weight == 0 {
				return fmt.Sprintf("check %s failed: %s", u.Check, why)
			}
		}
	}
	if s.steps == stepsStuck {
		return s.stuckText
	}
	if s.now.Before(s.retry) {
		return s.retryText
	}
	if s.phase == unfit {
		return s.untested()
	}
	return ""
}

// severed reports whether every interface of the set is down, so that nothing
// can be sent or served any more. A set that has lost one of several leaves in
// order: on the others it is heard, and there are clients.
func (s *Set) severed() bool {
	for i := range s.members {
		if s.members[i].linkUp {
			return false
		}
	}
	return true
}

// absence says why the set should take no part at all; "" when it should.
func (s *Set) absence() string {
	switch {
	case s.stopping:
		return s.stopText
	case s.maintenance:
		return "maintenance by an operator"
	case !s.started:
		return "not started"
	case s.phase == resting:
		return s.untested()
	}
	return ""
}
