package sim

import "time"

// rate counts within a window of time.
type rate struct {
	begun time.Duration
	count int
	of    time.Duration // the interval, when it began
	other time.Duration // the shortest interval of another node since
}

const (
	// mostAdverts is how many adverts one router may send in an interval: the
	// regular one, one for each change of its own, and immediate answers to
	// others, which package vrrp limits.
	mostAdverts = 24
	// mostAnnouncements is how many announcements of one router's addresses
	// may be sent in a second.
	mostAnnouncements = 40
)

func (j *Judge) sent(n *node, r *router) {
	window := max(j.bounds.interval, 100*time.Millisecond)
	least := r.cfg.Interval
	c := j.rateOf(j.sends, r, window)
	if c.of != least {
		*c = rate{begun: j.w.now, of: least, other: least}
	}
	c.other = min(c.other, j.w.shortestBeside(n, r))
	// The regular ones, and an answer to each of another node that does not
	// hear them: it may advertise at another rate, if it did not hear of a
	// change of the interval either.
	if c.adds(mostAdverts + int(window/least) + int(window/c.other) + flaps(n, r, window)) {
		j.problem("%s sends too many adverts for %s", n.name, j.w.vrs[r.vr].name)
	}
}

func (j *Judge) announced(n *node, r *router) {
	if j.rateOf(j.shouts, r, time.Second).adds(mostAnnouncements + flaps(n, r, time.Second)) {
		j.problem("%s announces %s too often", n.name, j.w.vrs[r.vr].name)
	}
}

// flaps is what sessions of BFD may add in a window: on a bad network one ends
// as often as its detection time passes, and each time the set may move, with an
// advert, an answer and announcements.
func flaps(n *node, r *router, window time.Duration) int {
	var most int
	for _, g := range n.sets[r.unit.index].Groups {
		if g.BFD.on() {
			most = max(most, 4*int(window/(g.BFD.Interval*time.Duration(g.BFD.Multiplier))))
		}
	}
	return most
}

// rateOf counts anew when a window is over.
func (j *Judge) rateOf(rates map[*router]*rate, r *router, window time.Duration) *rate {
	c := rates[r]
	if c == nil {
		c = &rate{begun: j.w.now, of: r.cfg.Interval, other: r.cfg.Interval}
		rates[r] = c
	}
	if j.w.now-c.begun >= window {
		*c = rate{begun: j.w.now, of: c.of, other: c.of}
	}
	return c
}

// adds counts one more and reports whether it is the first too many.
func (c *rate) adds(most int) bool {
	c.count++
	return c.count == most
}

// shortestBeside is the shortest interval at which other nodes advertise a
// router, as they have it now.
func (w *World) shortestBeside(n *node, r *router) time.Duration {
	least := r.cfg.Interval
	for _, o := range w.nodes {
		if o == n {
			continue
		}
		for _, p := range o.plains {
			if p.vr == r.vr {
				least = min(least, p.router.Config().Interval)
			}
		}
		for _, u := range o.units {
			for _, other := range u.routers {
				if other.vr == r.vr {
					least = min(least, other.cfg.Interval)
				}
			}
		}
	}
	return least
}
