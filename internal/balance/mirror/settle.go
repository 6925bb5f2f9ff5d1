package mirror

import (
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/internal/balance"
)

// Whether more flows of an address may be told of. A node that has just taken it
// does not know yet those whose news are on the way, and must not answer for them
// as if they were nobody's. There are no more once
//
//   - it has held the address for a while: packets of a planned move still reach
//     the node before it, which tells what they begin;
//   - for as long, every node that has held it has said that it does not, which it
//     says after its news, or is not connected any more;
//   - one that has not said so has not been heard for two signs of life: it is cut
//     off, or stands still. When it is heard again, nothing is certain again.
const (
	lull  = time.Second
	quiet = 2 * beat
)

// settle says of each address that is held here since when no more flows can come.
func (m *Machine) settle() {
	m.unsettled = time.Time{}
	for _, s := range m.services {
		for _, l := range s.Listen {
			at, sure := m.settles(s, l)
			if in := sure && !at.After(m.now); in != m.settled[l] {
				m.settled[l] = in
				m.do(Action{Kind: ActionSettle, Listens: []balance.Endpoint{l}, In: in})
			}
			if sure && at.After(m.now) && (m.unsettled.IsZero() || at.Before(m.unsettled)) {
				m.unsettled = at
			}
		}
	}
	for l, in := range m.settled {
		if m.at[l] != nil {
			continue
		}
		if in {
			m.do(Action{Kind: ActionSettle, Listens: []balance.Endpoint{l}})
		}
		delete(m.settled, l)
	}
}

// settles says when that is, as it looks now: never for an address of others.
func (m *Machine) settles(s *service, l balance.Endpoint) (at time.Time, ever bool) {
	since, held := m.held[l.Addr()]
	if !held {
		return at, false
	}
	at = since.Add(lull)
	if left := m.left.Add(lull); left.After(at) && !m.settled[l] {
		at = left
	}
	for _, h := range m.hearers {
		if h.key != s.Key || !slices.Contains(h.holds, l) {
			continue
		}
		if silent := h.alive.Add(quiet); silent.After(at) {
			at = silent
		}
	}
	return at, true
}

// gave notes that a node does not hold any more what it held.
func (m *Machine) gave(h *hearer, holds []balance.Endpoint) {
	if slices.ContainsFunc(h.holds, func(l balance.Endpoint) bool { return !slices.Contains(holds, l) }) {
		m.left = m.now
	}
}
