package hold

import "time"

// Keeper keeps the hold of one virtual router. It knows what its doors in the
// gate are, and says what they become. The zero Keeper is closed.
type Keeper struct {
	level Level
	term  time.Duration
	doors Doors   // as adverts alone would have them
	spoke Instant // when the last advert was sent, at the earliest
	limit Instant // no door is open beyond; 0: none is set
}

// Level is the last one that Move was given, or Closed after a lapse.
func (k *Keeper) Level() Level { return k.level }

// Doors is what was last computed for the gate.
func (k *Keeper) Doors() Doors {
	d := k.doors
	if k.limit != 0 {
		d.Announced, d.Advertised = min(d.Announced, k.limit), min(d.Advertised, k.limit)
		if k.level != Serving {
			d.Served = min(d.Served, k.limit)
		}
	}
	return d
}

// Limit lets no hold and no claim last beyond an instant, whatever adverts
// say: that to which a majority has promised the addresses to this node. What
// still arrives may be served for longer by a node that has let go.
func (k *Keeper) Limit(t Instant) Doors {
	k.limit = t
	return k.Doors()
}

// Until is when the right to send adverts ends; for a Holding router that is
// its hold. Zero where there is none.
func (k *Keeper) Until() Instant {
	d := k.Doors()
	return max(d.Announced, d.Advertised)
}

// Move changes the level. d is how long: for claims and Holding the term
// that follows each advert, for Serving the whole time.
//
// What closes does so at once. Holding begins with the next advert: until then
// the door stays open that was open, of a claim or of an earlier hold; a
// router that holds without having claimed gets that of a claim.
func (k *Keeper) Move(now Instant, to Level, d time.Duration) Doors {
	switch to {
	case Closed:
		k.doors = Doors{}
	case Claiming, Preparing:
		k.term = d
		k.doors = claimed(to, now.Add(d))
	case Serving:
		k.doors = Doors{Served: now.Add(d)}
	case Holding:
		k.hold(now, d)
	}
	k.level = to
	return k.Doors()
}

func (k *Keeper) hold(now Instant, term time.Duration) {
	switch k.level {
	case Claiming, Preparing:
	case Holding:
		if term < k.term && k.doors.Announced != 0 {
			// The peers may hear of the shorter interval before the next
			// store: from now on they wait for less.
			end := min(k.doors.Announced, k.spoke.Add(term))
			k.doors.Announced, k.doors.Served = end, end
		}
	default:
		k.doors = claimed(Claiming, now.Add(term))
	}
	k.term = term
}

// claimed is the doors of a claim. What arrives is served, as with a virtual MAC
// address the adverts of a claim already draw it here; but not by who has
// something to do before it can.
func claimed(by Level, until Instant) Doors {
	if by == Preparing {
		return Doors{Advertised: until}
	}
	return Doors{Served: until, Advertised: until}
}

// Claims says whether the router claims, and does not hold yet.
func (k *Keeper) Claims() bool { return k.level == Claiming || k.level == Preparing }

// May says whether an advert of a priority above 0 may be sent: whether the
// door is still open.
func (k *Keeper) May(now Instant) bool { return now < k.Until() }

// Spoke tells that an advert was handed to the kernel, between two readings of
// the gate's clock. It gives the doors that follow, or false if the hold was
// over before that was certain: then nobody may have heard the advert.
func (k *Keeper) Spoke(before, after Instant) (Doors, bool) {
	if after >= k.Until() {
		return k.Doors(), false
	}
	k.spoke = before
	end := before.Add(k.term)
	if k.level == Holding {
		k.doors = Doors{Announced: end, Served: end}
	} else {
		k.doors = claimed(k.level, end)
	}
	return k.Doors(), true
}

// Share is for a router of a set for which another one claims: an advert of
// that one was sent, and what others concede to it they concede to the set.
func (k *Keeper) Share(before Instant) Doors {
	if k.Claims() {
		k.doors = claimed(k.level, before.Add(k.term))
	}
	return k.Doors()
}

// Lapsed says whether a hold, or a claim, has ended that nobody closed.
func (k *Keeper) Lapsed(now Instant) bool {
	return (k.Claims() || k.level == Holding) && now >= k.Until()
}
