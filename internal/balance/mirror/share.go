package mirror

import (
	"fmt"
	"slices"
)

// Share is which of the ports that full NAT sends from are a node's. A node that
// takes over may not know the youngest flows of the holder before: if both gave
// away the same ports, a backend would take the packets of one client for those of
// another. So the ports are divided, and no two nodes may have the same part.
//
// Where the file does not say which part is whose, a node begins with one by its
// name, tells the others, and moves where that is another's already: the one whose
// name comes first keeps it, or whose file says so.
type Share struct {
	First, Last uint16 // of all nodes together
	Parts       int
	Part        int  // from 0
	Fixed       bool // the file says so: it does not move
}

// Ports are those of the part, the last one included.
func (s Share) Ports() [2]uint16 {
	size := (int(s.Last) - int(s.First) + 1) / max(s.Parts, 1)
	first := int(s.First) + s.Part*size
	return [2]uint16{uint16(first), uint16(first + size - 1)}
}

func overlap(a, b [2]uint16) bool { return a[0] <= b[1] && b[0] <= a[1] }

// before says whether another node keeps its part where both have the same.
func (h *hearer) before(node string, fixed bool) bool {
	if h.fixed != fixed {
		return h.fixed
	}
	return h.node < node
}

// divide moves this node's part away from what others have, where it must.
func (m *Machine) divide() {
	taken := func(s Share, all bool) *hearer {
		i := slices.IndexFunc(m.hearers, func(h *hearer) bool {
			return h.ports[1] != 0 && overlap(h.ports, s.Ports()) && (all || h.before(m.node, s.Fixed))
		})
		if i < 0 {
			return nil
		}
		return m.hearers[i]
	}
	by := taken(m.share, m.share.Fixed)
	if by == nil || by.fixed && m.share.Fixed && m.told[by.node] == by.ports {
		return
	}
	for _, all := range []bool{true, false} {
		for i := 1; i < m.share.Parts && !m.share.Fixed; i++ {
			s := m.share
			s.Part = (s.Part + i) % s.Parts
			if taken(s, all) == nil {
				m.record("", CodeShare, fmt.Sprintf("%s has this node's ports of full NAT: this node takes those from %d to %d (balancer.part says which are whose)", by.node, s.Ports()[0], s.Ports()[1]))
				m.shareIs(s)
				return
			}
		}
	}
	if m.told[by.node] == by.ports || m.share.Fixed && !by.fixed {
		return // it was said, or the other one moves
	}
	m.told[by.node] = by.ports
	m.record("", CodeShare, fmt.Sprintf("%s has ports of full NAT that are this node's, too, from %d to %d: flows of the last moments before a move may be mixed up; give each node a balancer.part of its own, and as many balancer.parts as there are nodes", by.node, by.ports[0], by.ports[1]))
}

// shareIs takes another part, and tells the others.
func (m *Machine) shareIs(s Share) {
	m.share = s
	m.do(Action{Kind: ActionShare, Ports: s.Ports()})
	for _, t := range m.tellers {
		m.tellPulse(t)
	}
}
