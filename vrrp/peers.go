package vrrp

import (
	"net/netip"
	"slices"
	"time"
)

// Peer is what was last heard from one sender.
type Peer struct {
	Addr      netip.Addr
	Priority  uint8
	Interval  time.Duration
	LastHeard time.Time
	Form      string // "rfc5798", "rfc9568" or "" where there is one form only
}

// maxPeers bounds the memory for senders; the one not heard for longest goes.
const maxPeers = 64

// peerTable is every sender of accepted adverts, first heard first.
type peerTable []Peer

// note remembers what p said.
func (t *peerTable) note(p Peer) {
	s := *t
	oldest := 0
	for i := range s {
		if s[i].Addr == p.Addr {
			s[i] = p
			return
		}
		if s[i].LastHeard.Before(s[oldest].LastHeard) {
			oldest = i
		}
	}
	if len(s) >= maxPeers {
		s = slices.Delete(s, oldest, oldest+1)
	}
	*t = append(s, p)
}
