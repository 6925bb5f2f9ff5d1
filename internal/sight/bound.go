package sight

import (
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/bfd"
	"github.com/holdfast-net/holdfast/internal/hold"
)

// Sending tells, at an instant of the gate's clock, that the packet of an action
// is about to be handed to the kernel. If it is the first that lets the neighbour
// take us for alive, holds are bound by it from now on: this process may stop
// before it can tell that the packet was sent.
func (s *Set) Sending(a Action, now hold.Instant) {
	n := s.find(a.Path)
	if a.Kind == bfd.ActionSend && n != nil && n.session == a.from && n.sent == 0 && met(a.Control.State) {
		n.sent = now
	}
}

// Sent tells that the packet of an action was handed to the kernel, between two
// instants of the gate's clock.
func (s *Set) Sent(a Action, before, after hold.Instant) {
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
	n.sure = !n.late(after)
	n.sent = before
}

// late reports whether the neighbour may have missed this node by an instant, or
// never counted on it: our last packet was sent too long before, or was late
// itself. Its own hold is bound by nothing then.
func (n *watched) late(at hold.Instant) bool {
	p := n.promise()
	return !n.sure || n.sent == 0 || at >= n.sent.Add(p-margin(p))
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

// Limit is until when holds on a link and of an address family may last.
type Limit struct {
	Link  int
	V4    bool
	Until hold.Instant
}

// Limits appends until when holds may last: before any neighbour there can take
// us for dead. Where none would, there is no limit.
//
// A limit is for every hold on the link, whoever wanted the session: which of
// our groups a neighbour counts by it is what the neighbour was told last, and
// may be more than we know of, where a group has just been started, or is
// watched there and not here.
//
// It is asked before packets are sent, because an answer may have become
// smaller since the last one, and again after. As with adverts, it counts what
// was sent and not what arrived: a process that dies right after the network
// lost its last packets is missed earlier.
//
// A hold may be extended to a later limit only if it was still open after the
// packet was sent, or heard, that made it later. One that has ended stays so:
// the neighbour may have acted on our silence by then, and what it says may be
// the news of that.
func (s *Set) Limits(out []Limit) []Limit {
	begin := len(out)
	for _, n := range s.watched {
		promise := n.promise()
		if promise == 0 || n.sent == 0 {
			continue
		}
		l := Limit{n.path.Link, n.path.Peer.Is4(), n.sent.Add(promise - margin(promise))}
		i := slices.IndexFunc(out[begin:], func(o Limit) bool { return o.Link == l.Link && o.V4 == l.V4 })
		if i < 0 {
			out = append(out, l)
		} else if o := &out[begin+i]; l.Until < o.Until {
			o.Until = l.Until
		}
	}
	return out
}

// margin covers that the clocks of two machines run at different speeds, and
// that a gate's instant is read a little late.
func margin(d time.Duration) time.Duration { return d/1000 + 500*time.Microsecond }
