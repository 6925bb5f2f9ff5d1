package peer

import (
	"cmp"
	"net/netip"
	"slices"
	"time"
)

// Interval is the shortest time between two hellos without news; the longest
// is half as much again.
const Interval = time.Second

// Expiry is how long a node that says nothing is still taken to be there: two
// hellos.
const Expiry = 3500 * time.Millisecond

// maxNodes bounds what a flood of invented names can make a node remember.
const maxNodes = 64

// Node is another node of a virtual router.
type Node struct {
	Name     string
	Addr     netip.Addr
	State    uint8
	Priority uint8
	// Unheard counts the hellos in a row in which it did not name this node
	// among those it hears.
	Unheard int
	Sent    time.Time // by its clock
	Heard   time.Time // by ours
}

func (n Node) present(now time.Time) bool { return now.Sub(n.Heard) <= Expiry }

// Table remembers the nodes of one virtual router. The zero Table is empty
// and ready.
type Table struct{ nodes []Node }

// Note enters what a node said about itself. It reports false for news older
// than what is known (a late or repeated packet), and where there is no room.
func (t *Table) Note(n Node) bool {
	i := slices.IndexFunc(t.nodes, func(o Node) bool { return o.Name == n.Name })
	switch {
	case i >= 0 && t.nodes[i].present(n.Heard) && !n.Sent.After(t.nodes[i].Sent):
		return false
	case i >= 0:
		t.nodes[i] = n
		return true
	case len(t.nodes) == maxNodes:
		old := t.oldest()
		if t.nodes[old].present(n.Heard) {
			return false // who is known is not driven out by names that are invented
		}
		t.nodes = slices.Delete(t.nodes, old, old+1)
	}
	t.nodes = append(t.nodes, n)
	return true
}

func (t *Table) oldest() int {
	old := 0
	for i := range t.nodes {
		if t.nodes[i].Heard.Before(t.nodes[old].Heard) {
			old = i
		}
	}
	return old
}

// Nodes lists every node remembered, by name. Some may be gone: see Heard.
func (t *Table) Nodes() []Node {
	out := slices.Clone(t.nodes)
	slices.SortFunc(out, func(a, b Node) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// Present lists the nodes that are there.
func (t *Table) Present(now time.Time) []Node {
	var out []Node
	for _, n := range t.nodes {
		if n.present(now) {
			out = append(out, n)
		}
	}
	return out
}

// Named finds a node that is there by its name.
func (t *Table) Named(name string, now time.Time) (Node, bool) {
	for _, n := range t.nodes {
		if n.Name == name && n.present(now) {
			return n, true
		}
	}
	return Node{}, false
}

// kinship is how long a node that says nothing is still taken for a holdfast
// node: longer than it is taken to be there, as others are treated with less
// patience.
const kinship = 30 * time.Second

// Kin reports whether it is a holdfast node that speaks from addr.
func (t *Table) Kin(addr netip.Addr, now time.Time) bool {
	for i := range t.nodes {
		if t.nodes[i].Addr == addr && now.Sub(t.nodes[i].Heard) <= kinship {
			return true
		}
	}
	return false
}

// Find finds a node by its name, also one that is not heard any more.
func (t *Table) Find(name string) (Node, bool) {
	for _, n := range t.nodes {
		if n.Name == name {
			return n, true
		}
	}
	return Node{}, false
}

// ByAddr finds the name of the node that speaks from addr.
func (t *Table) ByAddr(addr netip.Addr) (string, bool) {
	for _, n := range t.nodes {
		if n.Addr == addr {
			return n.Name, true
		}
	}
	return "", false
}

// Successor is the node that should take over: among those there and in that
// state the one with the highest priority, and among equals the one with the
// highest address, as RFC 9568 §6.4.3 would settle it.
func (t *Table) Successor(state uint8, now time.Time) (Node, bool) {
	var best Node
	found := false
	for _, n := range t.nodes {
		if n.State != state || !n.present(now) {
			continue
		}
		if !found || n.Priority > best.Priority || n.Priority == best.Priority && n.Addr.Compare(best.Addr) > 0 {
			best, found = n, true
		}
	}
	return best, found
}
