package vrrp

import (
	"net/netip"
	"time"
)

// activeHears is RFC 9568 §6.4.3, an ADVERTISEMENT received.
func (r *Router) activeHears(now time.Time, p Peer, out []Action) []Action {
	switch {
	case p.Priority == 0:
		// Somebody else leaves: tell everybody that we are here.
		if r.mayAnswer(now) {
			r.restartAdverts(now)
			out = r.send(r.priority, out)
		}
		return out
	case p.Priority > r.priority:
		return r.giveWay(now, p, ReasonHigherPriority, out)
	case r.loses(p):
		return r.giveWay(now, p, ReasonHigherAddress, out)
	case r.lapsed(now):
		if p.Priority > lowest {
			out = r.send(lowest, out)
		}
		return r.giveWay(now, p, ReasonLapsed, out)
	}
	// A losing Active: assert ourselves at once, which makes it Backup and
	// teaches bridges where we are. The Adver_Timer runs on.
	if r.mayAnswer(now) {
		out = r.send(r.priority, out)
	}
	return r.reportLosing(now, p, out)
}

const lowest = 1 // RFC 9568 §5.2.4: 0 has another meaning

// lapsed says whether this router has been silent for so long (its process was
// stopped, its machine paused) that even the most eager Backup had to take it
// for gone. Whoever is Active then is so by right, and is preempted or not like
// any other: RFC 9568 §6.4.3 does not know of such a stall, and would have the
// one with the higher priority go on as if nothing had happened, whatever its
// Preempt_Mode. Where nobody took over, nothing is heard and nothing given up.
//
// Its last advert has the lowest priority there is: it tells the other one that
// it was not alone, so that it announces the addresses again (keepalived does
// so too). Hosts may have learnt ours all the while.
func (r *Router) lapsed(now time.Time) bool {
	silent := now.Sub(r.adverAt) + r.cfg.Interval
	eager := 3*r.cfg.Interval + 2*r.cfg.Interval/256 // the Active_Down_Interval at priority 254
	return r.priority != OwnerPriority && silent > eager
}

// loses says whether another Active wins: by priority, between equals by
// address. Two owners resolve here too (erratum 8298).
func (r *Router) loses(p Peer) bool {
	return p.Priority > r.priority || p.Priority == r.priority && p.Addr.Compare(r.cfg.Source) > 0
}

func (r *Router) giveWay(now time.Time, p Peer, reason Reason, out []Action) []Action {
	r.stopTimers()
	out = r.learn(now, p, out)
	out = r.move(Backup, reason, p.Addr, p.Priority, out)
	r.follow(p)
	r.startDown(now, p.Addr, p.Priority)
	return out
}

// Immediate answers are limited: two routers that each believe to win (one of
// them behind an address translation, say) would otherwise answer each other
// without end, and a flood of forged adverts would be doubled.
const (
	answerRefill = 10 * time.Millisecond
	answerBurst  = 8
)

func (r *Router) mayAnswer(now time.Time) bool {
	if r.answers.Before(now) {
		r.answers = now
	}
	if r.answers.Sub(now) > (answerBurst-1)*answerRefill {
		return false
	}
	r.answers = r.answers.Add(answerRefill)
	return true
}

// reportLosing tells the caller to announce the addresses again: neighbours
// may have learnt the loser's. Each new conflict is told at once; one that
// goes on, once a minute.
func (r *Router) reportLosing(now time.Time, p Peer, out []Action) []Action {
	a := Action{Kind: ActionReport, Notice: NoticeLosingActive, Peer: p.Addr, PeerPriority: p.Priority}
	fresh := now.Sub(r.losingAt) > r.DownInterval()
	r.losingAt = now
	if fresh {
		r.reports.allow(now, reportKey{a.Peer, a.Notice, a.Drop})
		return append(out, a)
	}
	return r.report(now, out, a)
}

// lapse gives the addresses up because this router was late.
func (r *Router) lapse(now time.Time, out []Action) []Action {
	if r.state == Init {
		return out
	}
	if r.state == Active {
		r.stopTimers()
		out = r.move(Backup, ReasonLapsed, netip.Addr{}, 0, out)
	}
	r.preemptAt = time.Time{}
	r.startDown(now, netip.Addr{}, 0)
	return out
}

// yield gives the addresses up in good order. Peers that hear priority 0 take
// over within their Skew_Time; we wait for longer than that.
func (r *Router) yield(now time.Time, out []Action) []Action {
	switch r.state {
	case Active:
		out = r.send(0, out)
		r.stopTimers()
		out = r.move(Backup, ReasonYield, netip.Addr{}, 0, out)
	case Init:
		return out
	case Backup:
		if r.aloud {
			out = r.send(0, out)
		}
	}
	r.preemptAt = time.Time{}
	r.startDown(now, netip.Addr{}, 0)
	return out
}
