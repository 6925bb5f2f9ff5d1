package group

import (
	"fmt"
	"maps"
	"time"

	"github.com/holdfast-net/holdfast/internal/hold"
)

// Reconfigure changes the set in place: its state stays, and no advert is
// lost. The groups must be the same, with routers of the same family and VRID
// in the same order; anything else needs a new set. On an error nothing has
// changed.
func (s *Set) Reconfigure(now time.Time, groups []Config, out []Action) ([]Action, error) {
	fresh, err := New(groups)
	if err != nil {
		return out, err
	}
	if err := s.sameShape(fresh); err != nil {
		return out, err
	}
	s.now, s.out = now, out
	s.groups = groups
	s.forgetChecks()
	rank := s.rank()
	for i := range s.members {
		m := &s.members[i]
		source := m.config.Source
		m.config, m.preempt = fresh.members[i].config, fresh.members[i].preempt
		m.config.Source = source
		m.config.Priority = effective(groups[m.group].priority(), s.weightDown())
		s.adapt(i)
	}
	s.humble(s.humbled)
	if s.rank() != rank {
		s.wantAgain()
	}
	if s.phase == claiming || s.phase == holding {
		for i := range s.members {
			s.give(i, Install) // the addresses may be others
		}
	}
	if s.phase == holding {
		s.level(hold.Holding) // the interval may be another one
		s.startAnnouncing()
	}
	for s.settle() {
	}
	s.demote()
	s.announce()
	out, s.out = s.out, nil
	return out, nil
}

// forgetChecks drops what is known of checks that no group uses any more:
// nobody would tell when they recover.
func (s *Set) forgetChecks() {
	used := map[string]bool{}
	for g := range s.groups {
		for _, u := range s.groups[g].Uses {
			used[u.Check] = true
		}
	}
	maps.DeleteFunc(s.down, func(name, _ string) bool { return !used[name] })
	maps.DeleteFunc(s.awaited, func(name string, _ bool) bool { return !used[name] })
	maps.DeleteFunc(s.worth, func(name string, _ Worth) bool { return !used[name] })
}

func (s *Set) sameShape(fresh *Set) error {
	if len(s.groups) != len(fresh.groups) || len(s.members) != len(fresh.members) {
		return fmt.Errorf("cannot change set in place: it has other groups")
	}
	for g := range s.groups {
		if s.groups[g].Name != fresh.groups[g].Name {
			return fmt.Errorf("cannot change set in place: group %s is not %s", fresh.groups[g].Name, s.groups[g].Name)
		}
	}
	for i := range s.members {
		a, b := s.members[i].router.Config(), fresh.members[i].router.Config()
		if a.VRID != b.VRID || a.Family != b.Family || a.Version != b.Version {
			return fmt.Errorf("cannot change group %s in place: its virtual router changed", s.groups[s.members[i].group].Name)
		}
	}
	return nil
}
