package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-net/holdfast/internal/group"
)

// ErrHandedOn is what Run returns when another process goes on in the place of
// this one. Nothing was left, said or closed.
var ErrHandedOn = errors.New("another process goes on with what is held here")

// ErrUnstill is what HandOn returns when something stayed on the move.
var ErrUnstill = errors.New("cannot hand on")

const (
	// stillBound is how long a moment is waited for in which nothing moves. It
	// is more than an orderly leave takes, or BFD sessions that end.
	stillBound = 15 * time.Second
	// stillEvery is how often it is looked for.
	stillEvery = time.Millisecond
	// choosy is how long the moment has to be a good one, too, right after
	// adverts and long before the next ones; with time, less good will do.
	choosy = time.Second
)

// heirship is a process that waits for the estate.
type heirship struct {
	ctx     context.Context
	since   time.Time
	next    time.Time
	deliver func(*Estate) error
	answer  func(error)
}

// Draft is the estate as it is now, for another process to look at.
func (e *Engine) Draft(ctx context.Context) (*Estate, error) {
	return Ask(ctx, e, func(now time.Time, answer func(*Estate)) { answer(e.draw(now)) })
}

// HandOn gives the engine's estate to another process. In a moment in which no
// group is on the move it calls deliver, in the loop, so that nothing happens
// meanwhile. When deliver says that the other one goes on, Run returns
// [ErrHandedOn]; on an error everything goes on here, as if nothing had been.
func (e *Engine) HandOn(ctx context.Context, deliver func(*Estate) error) error {
	done := make(chan error, 1)
	e.Post(func(now time.Time) {
		if e.heir != nil || e.stopping {
			done <- errors.New("cannot hand on: this process is ending, or handing on already")
			return
		}
		e.heir = &heirship{ctx: ctx, since: now, next: now, deliver: deliver, answer: func(err error) { done <- err }}
		e.sights.off = true
		e.look(now) // takes leave of neighbours that are watched by BFD
	})
	return <-done
}

// handOn reports whether another process goes on.
func (e *Engine) handOn() bool {
	now := e.opt.Clock()
	h := e.heir
	if h == nil || now.Before(h.next) {
		return false
	}
	h.next = now.Add(stillEvery)
	why := e.unstill()
	switch waited := now.Sub(h.since); {
	case h.ctx.Err() != nil:
		return e.keepOn(now, h.ctx.Err())
	case e.stopping:
		return e.keepOn(now, errors.New("cannot hand on: this process was told to stop"))
	case why != "" && waited < stillBound:
		return false
	case why != "":
		return e.keepOn(now, fmt.Errorf("%w within %s: %s", ErrUnstill, stillBound, why))
	case !e.roomy(now, waited):
		return false
	}
	if e.votes != nil {
		// The other process opens the port.
		_ = e.opt.Polls.Close(e.votes.port)
	}
	if err := h.deliver(e.draw(now)); err != nil {
		e.reopenPolls()
		return e.keepOn(e.opt.Clock(), err)
	}
	h.answer(nil)
	return true
}

// keepOn calls it off.
func (e *Engine) keepOn(now time.Time, err error) bool {
	e.heir.answer(err)
	e.heir = nil
	e.sights.off = false
	e.nextTalk = now
	return false
}

// unstill says what moves; "" where nothing does.
func (e *Engine) unstill() string {
	if len(e.waiting) > 0 {
		return "groups are being replaced"
	}
	for _, u := range e.units {
		if steps := u.stepping(); steps != "" {
			return steps
		}
		if u.retiring || len(u.waiters) > 0 || !u.set.Still() {
			return fmt.Sprintf("group %s is on the move", u.groups[0].Name)
		}
	}
	if f := e.fencing.fencer; f != nil && !f.Still() {
		return "a node is being fenced"
	}
	if !e.sights.set.Deadline().IsZero() {
		return "BFD sessions are ending"
	}
	return ""
}

// roomy reports whether there is time before the next advert: most of the
// shortest interval at first, and less and less the longer it has been waited.
func (e *Engine) roomy(now time.Time, waited time.Duration) bool {
	var shortest time.Duration
	room := time.Duration(1<<63 - 1)
	for _, u := range e.units {
		if u.set.State() != group.Active {
			continue
		}
		for _, r := range u.routers {
			if d := r.cfg.Interval; shortest == 0 || d < shortest {
				shortest = d
			}
			room = min(room, u.set.Router(r.index).Deadline().Sub(now))
		}
	}
	wanted := float64(shortest) * 0.9 * (1 - float64(waited)/float64(choosy))
	return float64(room) >= wanted
}

func (e *Engine) reopenPolls() {
	if e.votes == nil {
		return
	}
	own := e.votes.own
	port, err := e.opt.Polls.OpenVotes(own.Addr(), own.Port())
	if err != nil {
		e.opt.Log.Error("opening the polls again failed", "err", err)
		return
	}
	e.votes.port = port
}
