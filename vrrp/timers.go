package vrrp

import (
	"net/netip"
	"time"
)

// ActiveInterval is the Active_Adver_Interval: our own, or the one learnt from
// the Active (RFC 9568 §6.1).
func (r *Router) ActiveInterval() time.Duration { return r.learnt }

// SkewTime is the Skew_Time: the higher the priority, the shorter.
func (r *Router) SkewTime() time.Duration {
	below := time.Duration(256 - int(r.priority))
	if r.cfg.Version == 2 {
		return below * time.Second / 256 // RFC 3768 §6.1
	}
	return below * r.learnt / 256 // RFC 9568 §6.1
}

// DownInterval is the Active_Down_Interval, RFC 9568 §6.1 (Master_Down_Interval
// in RFC 3768 §6.1): how long an Active may be silent.
func (r *Router) DownInterval() time.Duration { return 3*r.learnt + r.SkewTime() }

// downTimer is the Active_Down_Timer, and what will be said when it fires.
type downTimer struct {
	from     time.Time // when it was started
	at       time.Time // when it fires
	reason   Reason
	peer     netip.Addr
	priority uint8 // the peer's
}

// startDown starts the Active_Down_Timer with the Active_Down_Interval.
func (r *Router) startDown(now time.Time, peer netip.Addr, priority uint8) {
	r.down = downTimer{now, now.Add(r.DownInterval()), ReasonMasterDown, peer, priority}
	r.asking, r.aloud = false, false
}

// startSkew starts it with the Skew_Time, after the Active said that it leaves.
func (r *Router) startSkew(now time.Time, peer netip.Addr) {
	r.down = downTimer{now, now.Add(r.SkewTime()), ReasonPeerLeft, peer, 0}
	r.asking, r.aloud = false, false
}

// rescaleDown gives the running Active_Down_Timer the length it would have had
// with the priority and interval of now.
func (r *Router) rescaleDown() {
	switch r.down.reason {
	case ReasonOwner: // waits for the hold alone
	case ReasonPeerLeft:
		r.down.at = r.down.from.Add(r.SkewTime())
	default:
		r.down.at = r.down.from.Add(r.DownInterval())
	}
}

// claimDue is when a Backup becomes Active unless it hears an advert first,
// and why.
func (r *Router) claimDue() (time.Time, Reason) {
	due := r.down.at
	if r.holdUntil.After(due) {
		due = r.holdUntil
	}
	if !r.preemptAt.IsZero() && r.preemptAt.Before(due) {
		return r.preemptAt, ReasonPreempt
	}
	return due, r.down.reason
}

// restartAdverts sets the Adver_Timer after an advert that did not wait for it.
// Early is safe, a peer only has longer to wait for the one after it; late
// would not be.
func (r *Router) restartAdverts(now time.Time) {
	r.adverAt = now.Add(r.cfg.Interval)
	if r.cfg.Align > 0 {
		r.adverAt = r.adverAt.Add(-time.Duration(r.adverAt.UnixNano() % int64(r.cfg.Align)))
	}
}

// nextAdvert moves the Adver_Timer on. It counts from when the advert was due,
// not from when it was sent, so that small delays do not add up.
func (r *Router) nextAdvert(now time.Time) {
	if now.Sub(r.adverAt) >= r.cfg.Interval {
		r.restartAdverts(now)
		return
	}
	r.adverAt = r.adverAt.Add(r.cfg.Interval)
}
