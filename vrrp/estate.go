package vrrp

import (
	"net/netip"
	"time"
)

// Estate is what the router of one process leaves to that of the next, which
// goes on in its place: nobody on the LAN sees a difference. Times are told from
// the instant at which it was drawn up.
type Estate struct {
	State   State
	Learnt  time.Duration // of the Active, by a Backup
	AdverIn time.Duration // Active: when the next advert is due
	Active  *HeardPeer    `json:",omitempty"` // the Active that a Backup follows
	Sent    uint64        // number of the last signed advert: the next one has to be higher
	Replay  []Replayed    `json:",omitempty"`
}

// HeardPeer is a Peer and how long ago it was heard.
type HeardPeer struct {
	Peer
	Ago time.Duration
}

// Replayed is the highest number that a sender of signed adverts has used.
type Replayed struct {
	Src  netip.Addr
	High uint64
}

// Estate draws up what a router leaves that is Active or Backup and does not
// claim.
func (r *Router) Estate(now time.Time) Estate {
	e := Estate{State: r.state, Learnt: r.learnt, Sent: uint64(r.sent)}
	if r.state == Active {
		e.AdverIn = r.adverAt.Sub(now)
	}
	if r.active.Addr.IsValid() {
		e.Active = &HeardPeer{r.active, now.Sub(r.active.LastHeard)}
	}
	for _, s := range r.replay.slots {
		e.Replay = append(e.Replay, Replayed{s.src, uint64(s.high)})
	}
	return e
}

// Inherit makes a router that was not started go on with an estate that was
// drawn up at drawn. A Backup listens for a whole Active_Down_Interval again:
// what was sent meanwhile was not heard.
func (r *Router) Inherit(now, drawn time.Time, e Estate) {
	r.sent = sequence(e.Sent)
	for _, s := range e.Replay {
		if len(r.replay.slots) < r.replay.limit {
			r.replay.slots = append(r.replay.slots, replaySlot{s.Src, sequence(s.High)})
		}
	}
	r.state = e.State
	switch e.State {
	case Active:
		r.learnt = r.cfg.Interval
		r.adverAt = drawn.Add(e.AdverIn)
	case Backup:
		r.learnt = e.Learnt
		if a := e.Active; a != nil {
			r.active = a.Peer
			r.active.LastHeard = drawn.Add(-a.Ago)
		}
		r.startDown(now, r.active.Addr, r.active.Priority)
	}
}
