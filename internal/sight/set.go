package sight

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/bfd"
	"github.com/holdfast-net/holdfast/internal/hold"
)

// Path is the way to a neighbour: a link, by the caller's numbers, and its
// address there.
type Path struct {
	Link int
	Peer netip.Addr
}

// Wish is what somebody wants of a session.
type Wish struct {
	Local      netip.Addr    // our address on the link; that of the last wish counts
	Interval   time.Duration // of sending and of hearing
	Multiplier uint8
	Key        []byte // of meticulous keyed SHA1, with key id 1; empty: none
}

// Action is one output: a packet to send, news of a neighbour, or why a packet
// of it was refused that should have been signed as ours are.
type Action struct {
	bfd.Action
	Path  Path
	Local netip.Addr
	Heard time.Time // the last packet of the neighbour
	Fresh bool      // it was heard when it arrived, and the neighbour cannot have missed this node since
	// Refused is why a packet of the neighbour was dropped; bfd.DropNone: the
	// action is another one.
	Refused bfd.Drop
	from    *bfd.Session
}

// Missed says that the neighbour has fallen silent, and that this is its own
// silence: nothing that it said can have waited here unread, while it let the
// session end and went on without it.
func (a Action) Missed() bool {
	return a.Lost() && a.Reason == bfd.ReasonExpired && a.Fresh
}

// AppendPacket appends the UDP payload of an action that sends to b. Call it
// once for each, in their order.
func (a Action) AppendPacket(b []byte) []byte { return a.from.AppendPacket(b, a.Control) }

// Set is all sessions of a node. It is not safe for use by several goroutines
// at once.
type Set struct {
	rng     *rand.Rand
	table   bfd.Table
	watched []*watched // in the order in which they began
	acts    []bfd.Action
}

// watched is one neighbour.
type watched struct {
	path    Path
	local   netip.Addr
	key     []byte
	session *bfd.Session
	wishes  []wish
	until   time.Time     // nobody wants it any more, and it goes then; zero: it is wanted
	sent    hold.Instant  // the last packet that lets the neighbour take us for alive; 0: it was told otherwise since
	relied  time.Duration // how long it waits after that
	heard   time.Time     // the last packet of the neighbour
	fresh   bool          // it was heard when it arrived, and the neighbour cannot have missed this node since
	woken   bool          // what is heard now may have waited, while the neighbour missed this node
	sure    bool          // our packets left in time, since it was last heard so
}

type wish struct {
	who        uint64
	interval   time.Duration
	multiplier uint8
}

// New makes an empty set.
func New(rng *rand.Rand) *Set { return &Set{rng: rng} }

// Want watches a neighbour for somebody, or changes what somebody wants of it.
// With another key than before it may fail at first; then it is to be wanted
// again.
func (s *Set) Want(now time.Time, who uint64, p Path, w Wish, out []Action) ([]Action, error) {
	p.Peer = p.Peer.Unmap().WithZone("")
	n := s.find(p)
	if n != nil && !bytes.Equal(n.key, w.Key) {
		// A session with another key is another one. The neighbour has to know
		// that the old one ends on purpose, or it takes us for dead.
		out = s.step(now, n, bfd.Disable(), out)
		if n.sent != 0 {
			return out, fmt.Errorf("cannot watch %s: it has to be told first that the session with the former key ends", p.Peer)
		}
		s.drop(n)
		fresh, err := s.add(p, w, n.wishes)
		if err != nil {
			return out, err
		}
		n = fresh
	}
	if n == nil {
		fresh, err := s.add(p, w, nil)
		if err != nil {
			return out, err
		}
		n = fresh
	}
	n.local, n.until = w.Local, time.Time{}
	n.wishes = slices.DeleteFunc(n.wishes, func(o wish) bool { return o.who == who })
	n.wishes = append(n.wishes, wish{who, w.Interval, w.Multiplier})
	out = s.step(now, n, bfd.Retime(n.timing()), out)
	return s.step(now, n, bfd.Enable(), out), nil
}

// Leave takes back what somebody wanted of a neighbour. The last one ends the
// session, in order: the neighbour is told for as long as it may take.
func (s *Set) Leave(now time.Time, who uint64, p Path, out []Action) []Action {
	p.Peer = p.Peer.Unmap().WithZone("")
	n := s.find(p)
	if n == nil || len(n.wishes) == 0 {
		return out
	}
	n.wishes = slices.DeleteFunc(n.wishes, func(o wish) bool { return o.who == who })
	if len(n.wishes) > 0 {
		return s.step(now, n, bfd.Retime(n.timing()), out)
	}
	n.until = now.Add(max(n.session.PeerDetects(), goodbye))
	return s.step(now, n, bfd.Disable(), out)
}

// goodbye is how long the end of a session is told at least: three packets at
// the rate of a session that is down.
const goodbye = 3 * time.Second

// signatures are the drops that tell of different settings. A sequence number
// that was seen before is none: a neighbour that starts anew begins anywhere.
var signatures = [...]bfd.Drop{
	bfd.DropAuthUnexpected, bfd.DropAuthMissing, bfd.DropAuthType, bfd.DropAuthKey, bfd.DropAuthLength, bfd.DropAuthFailed,
}

// Received hands over a datagram.
func (s *Set) Received(now time.Time, p *bfd.Packet, out []Action) []Action {
	session, drop := s.table.Find(p)
	if drop != bfd.DropNone {
		return out
	}
	for _, n := range s.watched {
		if n.session == session {
			before := session.Counters()
			out = s.step(now, n, bfd.Received(p), out)
			after := session.Counters()
			if after.Received != before.Received {
				n.heard, n.fresh = now, !n.woken
				n.sure = n.sure || n.fresh
			}
			for _, why := range signatures {
				if after.Dropped[why] != before.Dropped[why] {
					out = append(out, Action{Path: n.path, Local: n.local, Refused: why, from: session})
				}
			}
			return out
		}
	}
	return out
}

// Tick says that time has passed, after every packet there is was handed over.
func (s *Set) Tick(now time.Time, out []Action) []Action {
	for _, n := range s.watched {
		n.woken = false
		if at := n.session.Deadline(); !at.IsZero() && !now.Before(at) {
			out = s.step(now, n, bfd.Tick(), out)
		}
	}
	s.watched = slices.DeleteFunc(s.watched, func(n *watched) bool {
		over := !n.until.IsZero() && !now.Before(n.until)
		if over {
			s.table.Remove(n.session)
		}
		return over
	})
	return out
}

// Wake says that this machine did not run, until at by the gate's clock; see
// bfd.Wake. Where a neighbour may have missed this node meanwhile, what is heard
// until the next Tick may have waited, and its silence proves nothing: it may
// have gone on without us. A standstill too short for that changes nothing: who
// falls silent then is gone.
func (s *Set) Wake(now time.Time, at hold.Instant) {
	for _, n := range s.watched {
		if n.late(at) {
			n.fresh, n.woken = false, true
		}
		n.session.Step(now, bfd.Wake(), nil)
	}
}

// Deadline is when a Tick is wanted; zero means never.
func (s *Set) Deadline() time.Time {
	var first time.Time
	for _, n := range s.watched {
		for _, at := range [...]time.Time{n.session.Deadline(), n.until} {
			if !at.IsZero() && (first.IsZero() || at.Before(first)) {
				first = at
			}
		}
	}
	return first
}

// Promise is how long after our last packet to it a neighbour waits at least
// before it takes us for dead; 0: it does not, or nothing is known. See
// bfd.Session.PeerDetects.
func (s *Set) Promise(p Path) time.Duration {
	if n := s.find(p); n != nil {
		return n.session.PeerDetects()
	}
	return 0
}

// Dropped counts the packets that were for no session.
func (s *Set) Dropped() [bfd.NumDrops]uint64 { return s.table.Dropped() }

// Each calls f with every session, in the order in which they began.
func (s *Set) Each(f func(Path, *bfd.Session)) {
	for _, n := range s.watched {
		f(n.path, n.session)
	}
}

func (s *Set) find(p Path) *watched {
	for _, n := range s.watched {
		if n.path == p {
			return n
		}
	}
	return nil
}

// add makes a session. Its discriminator is random (RFC 5880 §6.8.1) and not
// taken.
func (s *Set) add(p Path, w Wish, wishes []wish) (*watched, error) {
	n := &watched{path: p, key: bytes.Clone(w.Key), wishes: wishes}
	cfg := bfd.Config{
		Timing: bfd.Timing{DesiredMinTx: w.Interval, RequiredMinRx: w.Interval, DetectMult: w.Multiplier},
		Peer:   p.Peer, Link: p.Link, Rand: s.rng,
	}
	if len(w.Key) > 0 {
		cfg.Auth = &bfd.Auth{Type: bfd.AuthSHA1Strict, Keys: map[uint8][]byte{1: n.key}, Active: 1}
	}
	for cfg.Discriminator == 0 || s.taken(cfg.Discriminator) {
		cfg.Discriminator = s.rng.Uint32()
	}
	var err error
	if n.session, err = bfd.New(cfg); err == nil {
		err = s.table.Add(n.session)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot watch %s: %w", p.Peer, err)
	}
	s.watched = append(s.watched, n)
	return n, nil
}

func (s *Set) taken(discriminator uint32) bool {
	return slices.ContainsFunc(s.watched, func(n *watched) bool {
		return n.session.Config().Discriminator == discriminator
	})
}

func (s *Set) drop(n *watched) {
	s.table.Remove(n.session)
	s.watched = slices.DeleteFunc(s.watched, func(o *watched) bool { return o == n })
}

// timing is that of the most eager wish: of the shortest interval, and among
// those of the smallest multiplier.
func (n *watched) timing() bfd.Timing {
	w := n.wishes[0]
	for _, o := range n.wishes[1:] {
		if o.interval < w.interval || o.interval == w.interval && o.multiplier < w.multiplier {
			w = o
		}
	}
	return bfd.Timing{DesiredMinTx: w.interval, RequiredMinRx: w.interval, DetectMult: w.multiplier}
}

func (s *Set) step(now time.Time, n *watched, ev bfd.Event, out []Action) []Action {
	s.acts = n.session.Step(now, ev, s.acts[:0])
	for _, a := range s.acts {
		out = append(out, Action{Action: a, Path: n.path, Local: n.local, Heard: n.heard, Fresh: n.fresh, from: n.session})
	}
	return out
}
