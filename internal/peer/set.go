package peer

import (
	"hash/fnv"
	"slices"

	"github.com/holdfast-net/holdfast/vrrp"
)

// Member is one virtual router of those that move together.
type Member struct {
	VRID   uint8
	Family vrrp.Family
}

// SetOf is a fingerprint of the virtual routers that move together, the same
// on all nodes that have them so, and 0 for one alone.
func SetOf(members []Member) uint32 {
	if len(members) < 2 {
		return 0
	}
	sorted := slices.Clone(members)
	slices.SortFunc(sorted, func(a, b Member) int {
		return (int(a.VRID)<<8 | int(a.Family)) - (int(b.VRID)<<8 | int(b.Family))
	})
	h := fnv.New32a()
	for _, m := range sorted {
		_, _ = h.Write([]byte{m.VRID, uint8(m.Family)})
	}
	return max(h.Sum32(), 1)
}
