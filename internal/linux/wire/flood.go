package wire

import "time"

// Waking up costs twenty times what a packet does. Woken for every packet or
// two of a flood, the loop would work for a whole processor where a tenth
// suffices, and leave none for others. So in a flood it lets packets gather
// for a moment, as network cards do: none is read later than that, and no
// timer is.
const (
	floodSpan    = 10 * time.Millisecond
	floodPackets = 100 // in a span, or more: that is a flood
	floodNap     = 500 * time.Microsecond
	floodSlack   = 200 * time.Microsecond // how much later than it should a nap may end
)

// flood counts what is received.
type flood struct {
	begun  time.Time // of the span
	count  int
	high   bool      // the span before, or this one, is one of a flood
	before time.Time // when packets were read last
	full   bool      // and there may be more of them
}

// heard notes that n packets were read, of at most room.
func (f *flood) heard(now time.Time, n, room int) {
	if now.Sub(f.begun) >= floodSpan {
		f.high = f.count >= floodPackets && now.Sub(f.begun) < 2*floodSpan
		f.begun, f.count = now, 0
	}
	f.count += n
	f.high = f.high || f.count >= floodPackets
	f.before, f.full = now, n >= min(room, batch)
}

// nap is how long to let packets gather before they are read, in a wait that
// ends at an instant (zero: never).
func (f *flood) nap(now, until time.Time) time.Duration {
	if !f.high || f.full {
		return 0
	}
	d := floodNap - now.Sub(f.before)
	if !until.IsZero() {
		d = min(d, until.Sub(now)-floodSlack)
	}
	return max(d, 0)
}
