package balance

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/internal/balance/flowhash"
)

// configure takes the service as it is after a reload.
func (p *Pool) configure(s *Service, out []Action) []Action {
	p.service = s
	for _, m := range p.members {
		if !slices.ContainsFunc(s.Backends, func(b Backend) bool { return b.Addr == m.Addr }) && !m.removed {
			m.removed, m.idle = true, 0
			m.wish, m.due = removedWish(m.wish), time.Time{}
		}
	}
	for _, b := range s.Backends {
		m := find(p.members, b.Addr)
		if m == nil {
			p.add(b)
			out = append(out, record(CodeAdded, b.Addr, fmt.Sprintf("backend %s is added", b.Addr)))
			continue
		}
		for name := range m.checks {
			if !slices.Contains(b.Checks, name) {
				delete(m.checks, name)
			}
		}
		m.Backend, m.removed = b, false
	}
	slices.SortFunc(p.members, compare)
	return out
}

// removedWish is what is left of an operator's wish for a backend that is
// removed: one that was down by it stays down for its flows.
func removedWish(w Wish) Wish {
	if w == WishDown {
		return WishDown
	}
	return WishNone
}

// newID gives the ID of an address that no member has. It is a hash, so that
// nodes need not agree on it. Where two addresses of a service have the same,
// which is one chance in four thousand million for each two, the later one
// takes the next hash of its name.
func (p *Pool) newID(addr netip.AddrPort) uint32 {
	for turn := uint8(0); ; turn++ {
		id := uint32(flowhash.Name([16]byte{}, addr, turn) >> 32)
		if id != 0 && !slices.ContainsFunc(p.members, func(m *member) bool { return m.id == id }) {
			return id
		}
	}
}
