package sight

import (
	"time"

	"github.com/holdfast-net/holdfast/bfd"
	"github.com/holdfast-net/holdfast/internal/hold"
)

// Sent tells that the packet of an action was handed to the kernel, not before
// an instant of the gate's clock.
func (s *Set) Sent(a Action, before hold.Instant) {
	n := s.find(a.Path)
	if a.Kind != bfd.ActionSend || n == nil || n.session != a.from {
		return
	}
	if !met(a.Control.State) {
		// It ends the neighbour's session by its word: it does not prolong
		// what silence would end, and our silence ends nothing from now on.
		n.sent = 0
		return
	}
	n.sent = before
}

func met(s bfd.State) bool { return s == bfd.Up || s == bfd.Init }

// promise is how long our silence may last before the neighbour takes us for
// dead; 0: it does not. One that took us for alive goes on doing so until it
// was told that the session has ended here. Before, a node that is stopped
// between its decision and that packet would hold beside who misses it.
func (n *watched) promise() time.Duration {
	if met(n.session.State()) {
		n.relied = n.session.PeerDetects()
	}
	return n.relied
}

// Bound is until when a hold may last, as far as the neighbours that somebody
// wants are concerned: before any of them can take us for dead. 0: none of them
// would.
//
// It is asked before packets are sent, because an answer may have become
// smaller since the last one, and again after. As with adverts, it counts what
// was sent and not what arrived: a process that dies right after the network
// lost its last packets is missed earlier.
//
// A hold may be extended to a later bound only if it was still open after the
// packet was sent, or heard, that made it later. One that has ended stays so:
// the neighbour may have acted on our silence by then, and what it says may be
// the news of that.
func (s *Set) Bound(who uint64) hold.Instant {
	var first hold.Instant
	for _, n := range s.watched {
		promise := n.promise()
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
