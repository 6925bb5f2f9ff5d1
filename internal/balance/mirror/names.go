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
	sorted bool
}

func (n *Names) add(f *balance.Flow) {
	n.all = append(n.all, numberOf(f))
	n.sorted = false
}

// settle makes it ready to be asked.
func (n *Names) settle() {
	if !n.sorted {
		slices.Sort(n.all)
		n.sorted = true
	}
}

// Has says whether the set has a flow.
func (n *Names) Has(f *balance.Flow) bool {
	_, found := slices.BinarySearch(n.all, numberOf(f))
	return found
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
