package vrrp

import (
	"net/netip"
	"time"
)

// backupHears is RFC 9568 §6.4.2, an ADVERTISEMENT received.
func (r *Router) backupHears(now time.Time, p Peer, out []Action) []Action {
	r.follow(p)
	switch {
	case r.aloud:
		return r.claimHears(now, p, out)
	case p.Priority == 0 && r.asking:
		// It has waited for longer than a Skew_Time: only the cause is
		// another one now.
		r.claim.reason, r.claim.peer, r.claim.priority = ReasonPeerLeft, p.Addr, 0
	case p.Priority == 0:
		r.preemptAt = time.Time{}
		r.startSkew(now, p.Addr)
	case !r.preempts(p.Priority):
		r.preemptAt = time.Time{}
		out = r.learn(now, p, out)
		r.startDown(now, p.Addr, p.Priority)
	case r.waitsToPreempt(now):
		// The lower priority Active is let be until then, and followed
		// like any other, so that its death is noticed in time.
		out = r.learn(now, p, out)
		r.startDown(now, p.Addr, p.Priority)
	default:
		// The advert is discarded: the timer runs on, and fires.
		r.down.peer, r.down.priority = p.Addr, p.Priority
		if r.down.reason != ReasonOwner {
			r.down.reason = ReasonPreempt
		}
	}
	return out
}

// preempts says whether an Active of the given priority is to be replaced.
// The owner of the addresses preempts always (RFC 9568 §6.1, Preempt_Mode).
func (r *Router) preempts(priority uint8) bool {
	return priority < r.priority && (r.preempt || r.priority == OwnerPriority)
}

// waitsToPreempt starts and reads the preempt delay. It counts from the first
// advert of a lower priority Active, or from the end of the startup hold, and
// never makes preempting sooner than without a delay.
func (r *Router) waitsToPreempt(now time.Time) bool {
	if r.preemptAt.IsZero() {
		if r.cfg.PreemptDelay == 0 {
			return false
		}
		start := now
		if r.holdUntil.After(start) {
			start = r.holdUntil
		}
		r.preemptAt = start.Add(r.cfg.PreemptDelay)
		if r.down.at.After(r.preemptAt) {
			r.preemptAt = r.down.at
		}
	}
	return now.Before(r.preemptAt)
}

// claimActive makes a Backup Active, or asks the caller whether it may.
func (r *Router) claimActive(now time.Time, c downTimer, out []Action) []Action {
	if !r.cfg.Ask {
		return r.becomeActive(now, c, out)
	}
	r.asking, r.claim = true, c
	return append(out, Action{Kind: ActionAsk, Reason: c.reason, Peer: c.peer, PeerPriority: c.priority})
}

// claimAloud advertises, now and every interval, while the caller makes the
// addresses ready.
func (r *Router) claimAloud(now time.Time, out []Action) []Action {
	if r.state != Backup || r.aloud {
		return out
	}
	if !r.asking {
		r.asking, r.claim = true, r.granted()
	}
	r.aloud = true
	r.restartAdverts(now)
	return r.send(r.priority, out)
}

// claimHears is what an Active would do (RFC 9568 §6.4.3), as that is what
// the peers take a router for that advertises: between two that claim, one
// gives way, not both.
func (r *Router) claimHears(now time.Time, p Peer, out []Action) []Action {
	if p.Priority != 0 && r.loses(p) {
		r.preemptAt = time.Time{} // what was put off before the claim is over
		out = r.learn(now, p, out)
		r.startDown(now, p.Addr, p.Priority)
		return out
	}
	if r.mayAnswer(now) {
		out = r.send(r.priority, out)
	}
	return out
}

// grant makes a Backup Active because the caller says so.
func (r *Router) grant(now time.Time, out []Action) []Action {
	if r.state != Backup {
		return out
	}
	if r.asking {
		return r.becomeActive(now, r.claim, out)
	}
	return r.becomeActive(now, r.granted(), out)
}

// granted is the claim of a router that did not ask.
func (r *Router) granted() downTimer {
	return downTimer{reason: ReasonGranted, peer: r.active.Addr, priority: r.active.Priority}
}

// deferPreempt follows the Active that was to be preempted, and counts its
// silence from when it was heard, so that asking again and again does not keep
// this router from noticing its death.
func (r *Router) deferPreempt(now time.Time, after time.Duration, out []Action) []Action {
	if r.state != Backup || !r.asking || !r.active.Addr.IsValid() {
		return out
	}
	r.startDown(r.active.LastHeard, r.active.Addr, r.active.Priority)
	if !now.Before(r.down.at) {
		return r.claimActive(now, r.down, out)
	}
	r.preemptAt = now.Add(after)
	return out
}

// becomeActive is RFC 9568 §6.4.1 and §6.4.2: the transition first, so that
// the caller has the addresses ready, then the advert.
func (r *Router) becomeActive(now time.Time, c downTimer, out []Action) []Action {
	r.stopTimers()
	r.active = Peer{}
	r.learnt = r.cfg.Interval
	r.restartAdverts(now)
	r.counters.BecameActive++
	out = r.move(Active, c.reason, c.peer, c.priority, out)
	return r.send(r.priority, out)
}

// setPriority changes the effective priority. An Active says so at once: the
// sooner its peers know, the shorter the wrong node holds the addresses.
func (r *Router) setPriority(now time.Time, p uint8, out []Action) []Action {
	switch {
	case p == OwnerPriority && !r.cfg.owner():
		p = OwnerPriority - 1
	case p == 0:
		p = 1
	}
	if p == r.priority {
		return out
	}
	r.priority = p
	if r.state == Active {
		r.restartAdverts(now)
		return r.send(p, out)
	}
	r.reconsider(now)
	return out
}

// reconsider brings a Backup's timers in line with a changed priority or
// preempt mode.
func (r *Router) reconsider(now time.Time) {
	if r.state != Backup {
		return
	}
	if r.down.reason == ReasonOwner && r.priority != OwnerPriority {
		r.startDown(now, netip.Addr{}, 0)
		return
	}
	waiting := !r.preemptAt.IsZero()
	if !waiting && r.down.reason != ReasonPreempt {
		r.rescaleDown()
		return
	}
	if r.preempts(r.down.priority) {
		if !waiting {
			r.rescaleDown()
		}
		return
	}
	// There is no cause to preempt any more: follow the Active.
	r.preemptAt = time.Time{}
	r.startDown(now, r.down.peer, r.down.priority)
}
