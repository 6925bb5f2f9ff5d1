package mirror

import (
	"net/netip"
	"slices"

	"github.com/holdfast-net/holdfast/internal/balance"
)

// id tells the flows of a node apart.
type id struct {
	listen balance.Endpoint
	client netip.AddrPort
}

func idOf(f *balance.Flow) id { return id{f.Listen, f.Client} }

// Names is a set of flows, in eight bytes each: it is made for a million of
// them, in memory that is locked. Two flows may have the same number; then one
// that has ended may stay until it times out. A flow at another backend is
// another flow.
type Names struct {
	all    []uint64
	gone   []uint64 // those that were named as such
	sorted bool
}

// Add adds a flow that is there.
func (n *Names) Add(f *balance.Flow) {
	n.all = append(n.all, numberOf(f))
	n.sorted = false
}

func (n *Names) addGone(f *balance.Flow) {
	n.gone = append(n.gone, numberOf(f))
	n.sorted = false
}

// settle makes it ready to be asked. A million take a tenth of a second, which
// only who asks has to have.
func (n *Names) settle() {
	if !n.sorted {
		slices.Sort(n.all)
		slices.Sort(n.gone)
		n.sorted = true
	}
}

// Has says whether the set has a flow that is there.
func (n *Names) Has(f *balance.Flow) bool {
	n.settle()
	_, found := slices.BinarySearch(n.all, numberOf(f))
	return found
}

// Covers says whether all flows of another set were named in this one, as there
// or as gone.
func (n *Names) Covers(had *Names) bool {
	if len(had.all) == 0 {
		return true
	}
	n.settle()
	had.settle()
	all, gone := n.all, n.gone
	for _, x := range had.all {
		for len(all) > 0 && all[0] < x {
			all = all[1:]
		}
		for len(gone) > 0 && gone[0] < x {
			gone = gone[1:]
		}
		if (len(all) == 0 || all[0] != x) && (len(gone) == 0 || gone[0] != x) {
			return false
		}
	}
	return true
}

// numberOf hashes what tells a flow from others: FNV-1a, and the final mix of
// MurmurHash3, over eight bytes at a time.
func numberOf(f *balance.Flow) uint64 {
	const prime = 1099511628211
	h := uint64(14695981039346656037)
	add := func(a netip.AddrPort) {
		b := a.Addr().As16()
		for i := 0; i < len(b); i += 8 {
			var x uint64
			for _, c := range b[i : i+8] {
				x = x<<8 | uint64(c)
			}
			h = mix((h ^ x) * prime)
		}
		h = mix((h ^ uint64(a.Port())) * prime)
	}
	add(f.Listen.AddrPort)
	add(f.Client)
	add(f.Backend)
	add(f.Source)
	return mix(h ^ uint64(f.Listen.Proto))
}

func mix(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}
