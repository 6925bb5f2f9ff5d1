package sim

import (
	"time"
	"unsafe"
)

// clock is what a node takes its time from. As with time.Now, one value
// carries two readings: the wall clock, which people and synchronisation
// daemons set and which authenticated messages show, and the monotonic clock,
// which timers are compared by. They drift apart when the wall clock is set.
type clock struct {
	offset time.Duration // of the wall clock
}

func (c *clock) at(now time.Duration) time.Time {
	return instant(epoch+now+c.offset, bootedBefore+now)
}

const (
	// epoch is when the simulated world begins, counted from 1970:
	// 2030-01-01 00:00:00 UTC.
	epoch = 1893456000 * time.Second
	// bootedBefore is how long the machines have been up when it begins.
	bootedBefore = 1000 * time.Hour
)

// instant makes the time.Time that time.Now would return on a machine whose
// wall clock shows wall since 1970 and whose monotonic clock shows mono. The
// time package has no function for that, and simulating a clock that is set
// needs it, so this relies on how a time.Time is laid out in memory; a test
// holds the result against the package's own functions.
func instant(wall, mono time.Duration) time.Time {
	const (
		hasMonotonic = 1 << 63
		secondsShift = 30
		since1885    = 2682288000 // seconds from 1885 to 1970
	)
	var t time.Time
	raw := (*struct {
		wall uint64
		ext  int64
		loc  *time.Location
	})(unsafe.Pointer(&t))
	raw.wall = hasMonotonic | (uint64(wall/time.Second)+since1885)<<secondsShift | uint64(wall%time.Second)
	raw.ext = int64(mono)
	return t
}
