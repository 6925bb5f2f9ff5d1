package lab

import (
	"math"
	"slices"
	"time"
)

// Distribution sums up durations by rank: half of them are at most P50.
type Distribution struct {
	Count               int
	P50, P99, P999, Max time.Duration
}

// Distribute sums up durations. It sorts them in place.
func Distribute(all []time.Duration) Distribution {
	n := len(all)
	if n == 0 {
		return Distribution{}
	}
	slices.Sort(all)
	rank := func(part float64) time.Duration {
		return all[max(int(math.Ceil(part*float64(n)))-1, 0)]
	}
	return Distribution{Count: n, P50: rank(0.5), P99: rank(0.99), P999: rank(0.999), Max: all[n-1]}
}
