package sight

import (
	"time"

	"github.com/holdfast-net/holdfast/bfd"
	"github.com/holdfast-net/holdfast/internal/hold"
)

// Sent tells that the packet of an action was handed to the kernel, not before
// an instant of the gate's clock.
func (s *Set) Sent(a Action, before hold.Instant) {
	// One that says Down ends the neighbour's session by its word: it does not
	// prolong what its silence would end.
	if a.Kind != bfd.ActionSend || a.Control.State != bfd.Up && a.Control.State != bfd.Init {
		return
	}
	if n := s.find(a.Path); n != nil && n.session == a.from {
		n.sent = before
	}
}

// Bound is until when a hold may last, as far as the neighbours that somebody
// wants are concerned: before any of them can take us for dead. 0: none of them
// would.
//
// It is asked before packets are sent, because an answer may have become
// smaller since the last one, and again after. As with adverts, it counts what
// was sent and not what arrived: a process that dies right after the network
// lost its last packets is missed earlier.
func (s *Set) Bound(who uint64) hold.Instant {
	var first hold.Instant
	for _, n := range s.watched {
		promise := n.session.PeerDetects()
		if promise == 0 || n.sent == 0 || !n.wantedBy(who) {
			continue
		}
		if end := n.sent.Add(promise - margin(promise)); first == 0 || end < first {
			first = end
		}
	}
	return first
}

// margin covers that the clocks of two machines run at different speeds, and
// that a gate's instant is read a little late.
func margin(d time.Duration) time.Duration { return d/1000 + 500*time.Microsecond }

func (n *watched) wantedBy(who uint64) bool {
	for _, w := range n.wishes {
		if w.who == who {
			return true
		}
	}
	return false
}
