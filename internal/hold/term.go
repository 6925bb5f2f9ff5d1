package hold

import "time"

// Patience is how long the most eager peer waits after an advert that told an
// interval, and so the longest that a hold can last. That peer is the one with
// the highest priority: it waits three intervals and a Skew_Time of 1/256 of
// one (RFC 9568 §6.1), or in version 2 of a second (RFC 3768 §6.1).
func Patience(interval time.Duration, version uint8) time.Duration {
	if version == 2 {
		return 3*interval + time.Second/256
	}
	return 3*interval + interval/256
}

// Term is how long a hold lasts after an advert was sent: what the most eager
// peer waits, less a margin.
func Term(interval time.Duration, version uint8) time.Duration {
	d := Patience(interval, version)
	return d - margin(d)
}

// margin is for what the clocks of two machines and the ticks of a kernel may
// disagree about: a thousandth, which is twice what NTP may slew a clock by
// (500 ppm), and half a millisecond.
func margin(d time.Duration) time.Duration { return d/1000 + 500*time.Microsecond }

const (
	leastListen = time.Millisecond
	mostListen  = 5 * time.Millisecond
)

// Listen is how long a node listens between its first advert and opening its
// hold: longer than an advert takes on a LAN, and little against the time that
// a failover takes anyway.
func Listen(interval time.Duration) time.Duration {
	return min(max(interval/32, leastListen), mostListen)
}
