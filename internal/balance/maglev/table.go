package maglev

import (
	"fmt"
	"math/big"
	"net/netip"
	"sort"

	"github.com/holdfast-net/holdfast/internal/balance/flowhash"
)

// The sizes that a table may have. One of 65537 slots is that of the paper: with
// a hundred backends less than 1 % of other flows move when one leaves, and it
// is made in about a millisecond.
const (
	MinSize     = 251
	MaxSize     = 131071
	DefaultSize = 65537
)

// MaxBackends is how many backends a table can name.
const MaxBackends = 1<<16 - 1

// Backend is one that takes slots.
type Backend struct {
	Name   netip.AddrPort
	Weight uint32 // 0: no slots
}

// Table gives a table of size slots, each with a place in the list of backends.
// It is empty where no backend has a weight. The size must be a prime for which
// [CheckSize] has no objection, and no name may be in the list twice: its
// second backend would get what the first leaves of the same slots.
func Table(seed [16]byte, size uint32, backends []Backend) ([]uint16, error) {
	if err := CheckSize(size); err != nil {
		return nil, err
	}
	if len(backends) > MaxBackends {
		return nil, fmt.Errorf("cannot make a table of %d backends: %d is the most", len(backends), MaxBackends)
	}
	takers, heaviest := takersOf(seed, size, backends)
	if len(takers) == 0 {
		return nil, nil
	}
	table := make([]uint16, size)
	if len(takers) == 1 {
		for i := range table {
			table[i] = takers[0].place
		}
		return table, nil
	}
	free := newFree(size)
	for left := size; ; {
		for i := range takers {
			t := &takers[i]
			if t.credit += t.weight; t.credit < heaviest {
				continue
			}
			t.credit -= heaviest
			table[t.take(free, size)] = t.place
			if left--; left == 0 {
				return table, nil
			}
		}
	}
}

// taker is a backend on its way through its permutation.
type taker struct {
	place      uint16
	next, skip uint32
	weight     uint64
	credit     uint64
	name       netip.AddrPort
}

// takersOf gives those with a weight, in the order of their turns, which is
// that of their names; and the greatest weight.
func takersOf(seed [16]byte, size uint32, backends []Backend) ([]taker, uint64) {
	heaviest := uint64(0)
	takers := make([]taker, 0, len(backends))
	for i, b := range backends {
		if b.Weight == 0 {
			continue
		}
		heaviest = max(heaviest, uint64(b.Weight))
		takers = append(takers, taker{
			place:  uint16(i),
			name:   b.Name,
			weight: uint64(b.Weight),
			// §3.4: offset ← h1(name) mod M, skip ← h2(name) mod (M-1) + 1.
			next: uint32(flowhash.Name(seed, b.Name, 0) % uint64(size)),
			skip: uint32(flowhash.Name(seed, b.Name, 1)%uint64(size-1)) + 1,
		})
	}
	sort.SliceStable(takers, func(i, j int) bool { return takers[i].name.Compare(takers[j].name) < 0 })
	for i := range takers {
		takers[i].credit = heaviest - takers[i].weight
	}
	return takers, heaviest
}

// take goes on in the permutation to the first free slot, which it takes.
func (t *taker) take(free free, size uint32) uint32 {
	for {
		slot := t.next
		if t.next += t.skip; t.next >= size {
			t.next -= size
		}
		if free.take(slot) {
			return slot
		}
	}
}

// free has a bit for each slot, set while nobody has taken it. That many bits
// stay in the first cache of a CPU, while the table does not.
type free []uint64

func newFree(size uint32) free {
	f := make(free, (size+63)/64)
	for i := range f {
		f[i] = ^uint64(0)
	}
	return f
}

func (f free) take(slot uint32) bool {
	bit := uint64(1) << (slot % 64)
	if f[slot/64]&bit == 0 {
		return false
	}
	f[slot/64] &^= bit
	return true
}

// CheckSize says why a table cannot have that many slots.
func CheckSize(size uint32) error {
	if size < MinSize || size > MaxSize || !prime(size) {
		return fmt.Errorf("cannot make a table of %d slots: a prime from %d to %d is wanted, such as %d", size, MinSize, MaxSize, Nearest(size))
	}
	return nil
}

// Nearest gives the size that a table may have and that is nearest to the one
// that was asked for, the greater of two.
func Nearest(size uint32) uint32 {
	size = min(max(size, MinSize), MaxSize)
	for d := uint32(0); ; d++ {
		if size+d <= MaxSize && prime(size+d) {
			return size + d
		}
		if size-d >= MinSize && prime(size-d) {
			return size - d
		}
	}
}

// prime is exact for numbers of this size: Baillie-PSW has no exception below
// 2⁶⁴.
func prime(n uint32) bool { return big.NewInt(int64(n)).ProbablyPrime(0) }
