package group

import "time"

// Deadline is when Step wants a Tick; zero means never.
func (s *Set) Deadline() time.Time {
	var d time.Time
	sooner := func(t time.Time) {
		if !t.IsZero() && (d.IsZero() || t.Before(d)) {
			d = t
		}
	}
	for i := range s.members {
		sooner(s.members[i].router.Deadline())
	}
	for g := range s.announces {
		sooner(s.announces[g].next)
	}
	for i := range s.members {
		if m := &s.members[i]; m.stuck() {
			sooner(m.again)
		}
	}
	sooner(s.conflictDue())
	switch s.phase {
	case unfit:
		if s.now.Before(s.retry) {
			sooner(s.retry)
		}
	case waiting, claiming:
		sooner(s.lacksDue())
		if s.gated() {
			sooner(s.suspended.gate)
		}
		if s.phase == claiming {
			sooner(s.clearAt())
		}
		if !s.half.since.IsZero() && !s.half.told {
			sooner(s.halfDue())
		}
	case holding:
		sooner(s.contest)
	case leaving:
		sooner(s.leave.deadline)
	}
	return d
}
