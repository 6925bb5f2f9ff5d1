package mirror

import (
	"slices"
	"time"
)

// Report is what is known of the other nodes, for people.
type Report struct {
	Peers  []PeerReport
	Groups []GroupReport // those that have flows
	Ports  [2]uint16     // of full NAT that are this node's
	// Unreached are peers that could not be connected to for some time.
	Unreached []Unreached
}

// Unreached is a peer that cannot be told, and why.
type Unreached struct {
	Peer
	Why string
}

// PeerReport is one other node.
type PeerReport struct {
	Node   string
	Signed bool
	// What it is told. Told is zero where it is not connected to.
	Told     time.Time // since when it is
	Complete time.Time // since when it has all that this node has, where this node holds
	Lag      time.Duration
	Behind   time.Duration // how old the oldest news is that it has not got
	Flows    uint64        // flows and changes that it was told
	Refused  uint64        // … that it could not put
	Overruns uint64        // how often it was too slow for the news
	// What it tells. Heard is zero where it does not.
	Heard     time.Time
	Holder    bool // of a service that is known here
	HeardLag  time.Duration
	Installed uint64
	Missed    uint64    // that could not be put here
	Ports     [2]uint16 // of full NAT that are its
	Clash     bool      // some of them are this node's, too
}

// GroupReport is a group that has flows.
type GroupReport struct {
	Name  string
	In    bool
	Since time.Time
}

// Report tells what is known.
func (m *Machine) Report(now time.Time) Report {
	r := Report{Ports: m.share.Ports()}
	find := func(node string, key Print) *PeerReport {
		for i := range r.Peers {
			if r.Peers[i].Node == node && r.Peers[i].Signed == (key != Print{}) {
				return &r.Peers[i]
			}
		}
		r.Peers = append(r.Peers, PeerReport{Node: node, Signed: key != Print{}})
		return &r.Peers[len(r.Peers)-1]
	}
	for _, t := range m.tellers {
		p := find(t.node, t.key)
		p.Told, p.Complete, p.Lag = t.since, t.complete, t.lags.p99()
		p.Flows, p.Refused, p.Overruns = t.told, t.refused, t.overflow
		for _, s := range t.sent {
			if !s.at.IsZero() {
				p.Behind = now.Sub(s.at)
				break
			}
		}
	}
	for _, h := range m.hearers {
		p := find(h.node, h.key)
		p.Heard, p.HeardLag, p.Installed, p.Missed = h.since, h.lag, h.installed, h.refused
		p.Ports, p.Clash = h.ports, h.ports[1] != 0 && overlap(h.ports, m.share.Ports())
		for _, l := range h.holds {
			p.Holder = p.Holder || m.of(l, h.key) != nil
		}
	}
	for _, n := range m.peers {
		if n.told {
			r.Unreached = append(r.Unreached, Unreached{n.Peer, n.why})
		}
	}
	for _, s := range m.services {
		in, told := m.synced[s.Group]
		if told && !slices.ContainsFunc(r.Groups, func(g GroupReport) bool { return g.Name == s.Group }) {
			r.Groups = append(r.Groups, GroupReport{Name: s.Group, In: in, Since: m.since[s.Group]})
		}
	}
	return r
}

// lags is how late news were, the last so many times.
type lags struct {
	all  [256]time.Duration
	next int
	full bool
}

func (l *lags) add(d time.Duration) {
	l.all[l.next] = d
	l.next = (l.next + 1) % len(l.all)
	l.full = l.full || l.next == 0
}

// p99 is what 99 of a hundred were not later than.
func (l *lags) p99() time.Duration {
	some := l.all[:l.next]
	if l.full {
		some = l.all[:]
	}
	if len(some) == 0 {
		return 0
	}
	sorted := slices.Clone(some)
	slices.Sort(sorted)
	return sorted[(len(sorted)*99+99)/100-1]
}
