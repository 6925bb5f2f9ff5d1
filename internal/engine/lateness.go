package engine

import (
	"math/bits"
	"time"
)

// lateness is how late adverts were handed to the kernel: a histogram with
// eight buckets to each doubling of a microsecond, so that a quantile read
// from it is at most an eighth too high. It costs no allocation to add to.
type lateness struct {
	count   uint64
	max     time.Duration
	buckets [256]uint64
}

func (l *lateness) add(d time.Duration) {
	d = max(d, 0)
	l.count++
	l.max = max(l.max, d)
	l.buckets[bucket(d)]++
}

func bucket(d time.Duration) int {
	us := uint64(d / time.Microsecond)
	if us < 8 {
		return int(us)
	}
	exp := bits.Len64(us) - 1    // at least 3
	frac := int(us>>(exp-3)) & 7 // the three bits below the highest
	return min((exp-2)*8+frac, 255)
}

// upper is the largest duration of a bucket.
func upper(b int) time.Duration {
	if b < 8 {
		return time.Duration(b+1) * time.Microsecond
	}
	exp, frac := b/8+2, b%8
	return time.Duration((8+frac+1)<<(exp-3)) * time.Microsecond
}

// Lateness is how late adverts were handed to the kernel since the start.
type Lateness struct {
	Count               uint64
	P50, P99, P999, Max time.Duration
}

func (l *lateness) summary() Lateness {
	return Lateness{Count: l.count, P50: l.quantile(0.5), P99: l.quantile(0.99), P999: l.quantile(0.999), Max: l.max}
}

func (l *lateness) quantile(q float64) time.Duration {
	if l.count == 0 {
		return 0
	}
	rank := uint64(float64(l.count)*q) + 1
	var sum uint64
	for b, n := range l.buckets {
		if sum += n; sum >= rank {
			return min(upper(b), l.max)
		}
	}
	return l.max
}
