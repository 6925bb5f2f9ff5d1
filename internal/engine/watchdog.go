package engine

import (
	"errors"
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/fence"
	"github.com/holdfast-net/holdfast/internal/group"
)

// Watchdog is the device that resets this machine unless it is fed. None of its
// methods blocks.
type Watchdog interface {
	Arm() // open it and feed it; answered by Engine.Armed
	Feed()
	Disarm()
}

// dogCheck is what keeps groups from holding that ask for a watchdog which
// could not be armed, as a check does. No check in the file can have its name.
const dogCheck = "of the watchdog"

// WatchdogUsable says whether the watchdog could be armed; err is why not. left
// says that it runs, and that a process which died has left it so. It may be
// called from any goroutine.
func (e *Engine) WatchdogUsable(err error, left bool) {
	e.Post(func(now time.Time) {
		if f := &e.fencing; left && f.dog != nil && e.opt.Watchdog != nil && f.dog.Adopt() {
			e.opt.Watchdog.Arm()
		}
		e.results[dogCheck] = group.Passed(dogCheck)
		if err != nil {
			e.results[dogCheck] = group.Failed(dogCheck, err.Error())
		}
		for _, u := range e.sortedUnits() {
			e.tellWatchdog(now, u)
		}
	})
}

func (e *Engine) tellWatchdog(now time.Time, u *unit) {
	if !u.asks(wantsWatchdog) {
		return
	}
	ev, known := e.results[dogCheck]
	switch {
	case e.opt.Watchdog == nil:
		ev = group.Failed(dogCheck, "there is none")
	case !known:
		ev = group.Awaited(dogCheck)
	}
	e.step(now, u, ev)
}

// Armed answers [Watchdog.Arm]. It may be called from any goroutine.
func (e *Engine) Armed(err error) {
	e.Post(func(now time.Time) {
		f := &e.fencing
		if f.dog == nil {
			return
		}
		if err == nil {
			f.dog.Armed(now)
		} else {
			f.dog.Refused()
		}
		for _, u := range e.sortedUnits() {
			switch {
			case u.secure == nil || !u.asks(wantsWatchdog):
			case err != nil:
				e.answerSecure(now, u, err)
			default:
				e.secureNext(now, u)
			}
		}
	})
}

// walkDog does for the watchdog what is due. It is called when the adverts of a
// round were sent, so that what they extended counts.
func (e *Engine) walkDog(now time.Time) {
	f := &e.fencing
	if f.dog == nil || e.opt.Watchdog == nil {
		return
	}
	f.look = now.Add(min(f.dog.Every(), dogLook))
	switch f.dog.Step(now, e.dogNeed()) {
	case fence.Arm:
		e.opt.Watchdog.Arm()
	case fence.Feed:
		e.opt.Watchdog.Feed()
	case fence.Disarm:
		e.opt.Watchdog.Disarm()
	}
}

// dogLook is how soon it is stopped when nobody needs it any more.
const dogLook = time.Second

func (e *Engine) dogNeed() fence.Need {
	need := fence.Idle
	if e.fencing.stuck {
		need = fence.Lost
	}
	gate := e.opt.Gate.Now()
	for _, u := range e.units {
		if u.asks(wantsWatchdog) {
			need = max(need, u.dogNeed(gate))
		}
	}
	return need
}

// dogNeed is what one unit wants of the watchdog. Steps that are under way end
// by themselves, or turn out to be stuck.
func (u *unit) dogNeed(gate Instant) fence.Need {
	lapsed := slices.ContainsFunc(u.routers, func(r *router) bool { return r.keeper.Until() <= gate })
	switch held := u.set.State() == group.Active; {
	case u.set.Stuck(), held && lapsed:
		return fence.Lost
	case held, u.set.Taken():
		return fence.Kept
	case u.secure != nil:
		return fence.Wanted
	}
	return fence.Idle
}

func wantsWatchdog(f config.GroupFence) bool { return f.Watchdog }

// asks reports whether a group of the unit asks for something.
func (u *unit) asks(what func(config.GroupFence) bool) bool {
	return slices.ContainsFunc(u.groups, func(g config.Group) bool { return what(g.Fence) })
}

var errNoWatchdog = errors.New("there is no watchdog")
