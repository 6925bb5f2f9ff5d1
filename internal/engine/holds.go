package engine

import (
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/internal/group"
	"github.com/holdfast-net/holdfast/internal/hold"
)

// hold moves a router's hold to another level. What closes is closed when
// this returns; what opens, opens with the next advert.
func (e *Engine) hold(r *router, to hold.Level, d time.Duration) {
	e.store(r, r.keeper.Move(e.opt.Gate.Now(), to, d))
	if to == hold.Closed {
		e.closed(r)
	}
}

// store tells the gate. A router that is not prepared has no place in it yet,
// and no addresses either.
func (e *Engine) store(r *router, doors hold.Doors) {
	if r.prepared {
		e.opt.Gate.Set(r.slot, doors)
	}
}

// spoke extends the hold of a router whose advert was sent.
func (e *Engine) spoke(r *router, before, after Instant) {
	doors, ok := r.keeper.Spoke(before, after)
	if !ok {
		e.expire(r.unit)
		return
	}
	e.store(r, doors)
	e.opened(r)
	if !r.keeper.Claims() || slices.Contains(e.claimed, r.unit) {
		return
	}
	e.claimed = append(e.claimed, r.unit)
	for _, o := range r.unit.routers {
		e.store(o, o.keeper.Share(before))
	}
}

// expire remembers a unit whose hold has ended while it was sending.
func (e *Engine) expire(u *unit) {
	if !slices.Contains(e.expired, u) {
		e.expired = append(e.expired, u)
	}
}

// tellSent tells units what came of their adverts: that a claim is on the
// wire, or that a hold has ended.
func (e *Engine) tellSent() {
	now := e.opt.Clock()
	claimed, expired := e.claimed, e.expired
	e.claimed, e.expired = nil, nil
	for _, u := range claimed {
		e.let(now, u, group.Spoke())
	}
	e.round = e.opt.Gate.Now()
	for _, u := range expired {
		if i, late := u.lapsed(e.round); late > 0 {
			e.let(now, u, group.Lapsed(i, late))
		}
	}
}

// lapsed finds a router whose hold has ended by itself, and how long ago.
func (u *unit) lapsed(now Instant) (router int, late time.Duration) {
	for i, r := range u.routers {
		if r.keeper.Lapsed(now) {
			return i, max(now.Sub(r.keeper.Until()), 1)
		}
	}
	return 0, 0
}
