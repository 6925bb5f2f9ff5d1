package group

import "time"

// restartBurst is the shortest time between the beginnings of two bursts that
// others set off, by a conflict or by taking an address away.
const restartBurst = 100 * time.Millisecond

// schedule is when the addresses of an active set are announced: a burst,
// then a slow refresh for as long as it is active.
type schedule struct {
	on    bool
	begun time.Time
	sent  int // instants of the burst that are over
	next  time.Time
}

func (c *schedule) start(now time.Time) { *c = schedule{on: true, begun: now, next: now} }

func (c *schedule) stop() { *c = schedule{} }

func (s *Set) startAnnouncing() {
	for g := range s.announces {
		s.announces[g].start(s.now)
	}
}

// announceAgain starts the burst anew, unless it began a moment ago: the rest
// of it does as well, and what goes on, or comes for every router or address of
// the set by itself, must not become a storm.
func (s *Set) announceAgain() {
	for g := range s.announces {
		if a := &s.announces[g]; !a.on || s.now.Sub(a.begun) >= restartBurst {
			a.start(s.now)
		}
	}
}

func (s *Set) stopAnnouncing() {
	for g := range s.announces {
		s.announces[g].stop()
	}
}

// announce sends what is due.
func (s *Set) announce() {
	if s.phase != holding {
		return
	}
	for g := range s.announces {
		if !s.announces[g].due(s.now, s.groups[g].Announce) {
			continue
		}
		for i := range s.members {
			if s.members[i].group == g {
				s.emit(Action{Kind: ActionAnnounce, Router: i})
			}
		}
	}
}

// due reports whether to announce now, and if so looks up the next instant.
// Instants that passed while the node was busy are made up for by one
// announcement, not by many.
func (c *schedule) due(now time.Time, a Announce) bool {
	if !c.on || c.next.After(now) {
		return false
	}
	repeat := a.Repeat
	if repeat == 0 {
		repeat = DefaultRepeat
	}
	for c.sent < repeat && !c.begun.Add(instant(c.sent)).After(now) {
		c.sent++
	}
	switch {
	case c.sent < repeat:
		c.next = c.begun.Add(instant(c.sent))
	case a.Refresh > 0:
		c.next = now.Add(a.Refresh)
	default:
		c.stop()
	}
	return true
}
