package vrrp

import (
	"net/netip"
	"time"
)

// Reports are for people: the same news about the same peer comes once, then
// at most once a minute. The memory for that is bounded, and so is the number
// of reports when somebody forges ever new sources.
const (
	reportEvery  = time.Minute
	reportMemory = 64
	reportRefill = 2 * time.Second // one more report each
	reportBurst  = 32              // reports in a row
)

type reportKey struct {
	peer   netip.Addr
	notice Notice
	drop   Drop
}

type reportSeen struct {
	key reportKey
	at  time.Time
}

// reporter decides which reports are made.
type reporter struct {
	seen []reportSeen // earliest first
	full time.Time    // when the budget of reports would be full again
}

// allow says whether a report may be made at now, and remembers it.
func (p *reporter) allow(now time.Time, key reportKey) bool {
	at := -1
	for i := range p.seen {
		if p.seen[i].key == key {
			if now.Sub(p.seen[i].at) < reportEvery {
				return false
			}
			at = i
			break
		}
	}
	if p.full.Before(now) {
		p.full = now
	}
	if p.full.Sub(now) > (reportBurst-1)*reportRefill {
		return false
	}
	p.full = p.full.Add(reportRefill)
	if at < 0 && len(p.seen) < reportMemory {
		p.seen = append(p.seen, reportSeen{key, now})
		return true
	}
	at = max(at, 0)
	copy(p.seen[at:], p.seen[at+1:])
	p.seen[len(p.seen)-1] = reportSeen{key, now}
	return true
}

// report appends a report unless it was made lately.
func (r *Router) report(now time.Time, out []Action, a Action) []Action {
	if !r.reports.allow(now, reportKey{a.Peer, a.Notice, a.Drop}) {
		return out
	}
	a.Kind = ActionReport
	return append(out, a)
}

// reportDrop names the disagreement behind a discarded packet.
func (r *Router) reportDrop(now time.Time, src netip.Addr, payload []byte, m *message, d Drop, out []Action) []Action {
	a := Action{Notice: NoticeDrop, Peer: src, Drop: d}
	// What is said to another virtual router is no news here, nor is the
	// echo of our own multicast.
	if len(payload) >= 2 && payload[1] != r.cfg.VRID {
		return out
	}
	if len(payload) >= 3 {
		a.PeerPriority = payload[2]
	}
	switch d {
	case DropVRID:
		return out
	case DropOwnPacket:
		if m.priority <= r.priority {
			return out
		}
		a.Notice = NoticeSpoof
	case DropVersion:
		a.Notice = NoticeVersion
	case DropAuthType, DropAuthFailed, DropReplay:
		a.Notice = NoticeAuth
	case DropInterval:
		a.Notice, a.Got, a.Want = NoticeInterval, m.interval, r.cfg.Interval
	case DropAddressList:
		a.Notice = NoticeAddressList
	}
	return r.report(now, out, a)
}
