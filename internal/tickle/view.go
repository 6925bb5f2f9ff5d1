package tickle

import (
	"cmp"
	"net/netip"
	"slices"
	"time"
)

// View is what is known of the connections of an address.
type View struct {
	Addr    netip.Addr
	Clients int    // known: this node's where it holds, else the holder's
	LeftOut int    // that are not told
	Node    string // whose they are

	// Of the last time that clients were told.
	From     string    // who held before
	At       time.Time // zero: there was none
	Told     int       // connections
	Sent     int       // ACKs
	Answered int
	First    time.Duration // after which the first answer came, and the last
	Last     time.Duration
}

// View lists what is known, by address.
func (m *Machine) View() []View {
	out := make([]View, 0, len(m.places))
	for _, p := range m.places {
		v := p.last
		v.Addr = p.Addr
		if p.held {
			v.Node, v.Clients, v.LeftOut = m.cfg.Node, len(p.share.conns), p.share.leftOut
		} else if r := p.rosters.latest(); r != nil {
			v.Node, v.Clients, v.LeftOut = r.from, p.rosters.size(), r.leftOut
		}
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b View) int { return cmp.Compare(a.Addr.String(), b.Addr.String()) })
	return out
}
