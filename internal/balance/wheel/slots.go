package wheel

import "math"

// Slots gives the number of slots of each weight in a wheel of at most limit
// slots.
//
// Weights that fit, once reduced, are met exactly. Otherwise of all sizes in
// the upper half of what is allowed the one is taken that is wrong by the
// least for the backend that it wrongs the most, in parts of its share; of two
// as good, the smaller.
func Slots(weights []uint32, limit int) []int {
	all, common, count := uint64(0), uint64(0), 0
	for _, w := range weights {
		if w > 0 {
			all += uint64(w)
			common = gcd(uint64(w), common)
			count++
		}
	}
	slots := make([]int, len(weights))
	switch {
	case count == 0:
		return slots
	case all/common <= uint64(limit):
		for i, w := range weights {
			slots[i] = int(uint64(w) / common)
		}
		return slots
	case count >= limit:
		for i, w := range weights {
			slots[i] = int(min(w, 1))
		}
		return slots
	}
	best := math.Inf(1)
	for size := max(limit/2, count); size <= limit; size++ {
		if wrong := wrongBy(weights, all, size, limit); wrong < best {
			best = wrong
			for i, w := range weights {
				slots[i] = rounded(w, all, size)
			}
		}
	}
	if math.IsInf(best, 1) {
		// So many are raised to one slot that no size fits: the heaviest give
		// them up.
		return squeezed(weights, all, count, limit)
	}
	return slots
}

// rounded is the nearest number of slots to a weight's share of a size, and one
// at least for a weight.
func rounded(weight uint32, all uint64, size int) int {
	if weight == 0 {
		return 0
	}
	return int(max(1, (uint64(weight)*uint64(size)*2+all)/(2*all)))
}

// wrongBy gives the greatest error of a share, in parts of that share, of slots
// that are rounded for a size. As they are rounded, they are not exactly that
// many; more than the limit are infinitely wrong.
func wrongBy(weights []uint32, all uint64, size, limit int) float64 {
	sum := 0
	for _, w := range weights {
		sum += rounded(w, all, size)
	}
	if sum > limit {
		return math.Inf(1)
	}
	wrong := 0.0
	for _, w := range weights {
		if w > 0 {
			got := float64(rounded(w, all, size)) / float64(sum)
			want := float64(w) / float64(all)
			wrong = max(wrong, math.Abs(got/want-1))
		}
	}
	return wrong
}

// squeezed gives one slot to each weight, and spreads what is left by weight,
// rounded down.
func squeezed(weights []uint32, all uint64, count, limit int) []int {
	slots := make([]int, len(weights))
	for i, w := range weights {
		if w > 0 {
			slots[i] = 1 + int(uint64(w)*uint64(limit-count)/all)
		}
	}
	return slots
}

func gcd(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
