package vrrp

import (
	"net/netip"
	"time"
)

// startup is RFC 9568 §6.4.1.
func (r *Router) startup(now time.Time, out []Action) []Action {
	if r.state != Init {
		return out
	}
	r.learnt = r.cfg.Interval
	owner := r.priority == OwnerPriority
	claim := downTimer{from: now, at: now, reason: ReasonOwner}
	if owner && r.cfg.StartupHold == 0 && !r.cfg.Ask {
		return r.becomeActive(now, claim, out)
	}
	out = r.move(Backup, ReasonStartup, netip.Addr{}, 0, out)
	r.startDown(now, netip.Addr{}, 0)
	if r.cfg.StartupHold > 0 {
		r.holdUntil = now.Add(r.cfg.StartupHold)
	}
	if owner {
		r.down = claim
		if r.cfg.StartupHold == 0 {
			return r.claimActive(now, claim, out)
		}
	}
	return out
}

// shutdown is RFC 9568 §6.4.2 and §6.4.3.
func (r *Router) shutdown(_ time.Time, out []Action) []Action {
	if r.state == Init {
		return out
	}
	if r.state == Active || r.aloud {
		out = r.send(0, out)
	}
	r.stopTimers()
	return r.move(Init, ReasonShutdown, netip.Addr{}, 0, out)
}

func (r *Router) stopTimers() {
	r.asking, r.aloud = false, false
	r.down, r.claim = downTimer{}, downTimer{}
	r.adverAt, r.holdUntil, r.preemptAt, r.losingAt = time.Time{}, time.Time{}, time.Time{}, time.Time{}
}

// follow remembers who is Active.
func (r *Router) follow(p Peer) {
	if p.Priority != 0 {
		r.active = p
	} else if r.active.Addr == p.Addr {
		r.active = Peer{}
	}
}
