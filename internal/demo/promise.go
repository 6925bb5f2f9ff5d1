package demo

import (
	"fmt"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/hold"
)

// Promise is what the protocol's timers, or holdfast's handover, allow the
// client to notice.
type Promise struct {
	Lossless bool         `json:"lossless"`        // no probe may be lost
	Bound    api.Duration `json:"bound,omitempty"` // else: the longest outage
	Why      string       `json:"why"`             // where that comes from
}

// slack is what the machine may add to a promise: waking the daemon, putting
// the address on the interface, telling the switch, and the distance between
// two probes.
const slack = 30 * time.Millisecond

// lossless is the promise of a planned move.
func lossless(why string) Promise { return Promise{Lossless: true, Why: why} }

// takeover is the promise of VRRP when a holder falls silent right after an
// advert: three intervals and the skew of the successor, RFC 9568 §6.1, and
// what it takes to claim: the successor listens before it opens its hold, and
// the machine has its share.
func takeover(interval time.Duration, priority uint8) Promise {
	skew, claim := skewOf(interval, priority), slack+hold.Listen(interval)
	return Promise{
		Bound: api.Duration((3*interval + skew + claim).Round(100 * time.Microsecond)),
		Why:   fmt.Sprintf("3 intervals, skew %s, %s to claim it", milliseconds(skew), milliseconds(claim)),
	}
}

// expiry is the promise for a holder that freezes: its kernel goes on
// answering until its hold is over, and the successor is a skew behind that.
func expiry(interval time.Duration, priority uint8) Promise {
	skew, claim := skewOf(interval, priority), slack+hold.Listen(interval)
	early := 3*interval - min(3*interval, hold.Term(interval, 3))
	return Promise{
		Bound: api.Duration((early + skew + claim).Round(100 * time.Microsecond)),
		Why:   fmt.Sprintf("hold ends, skew %s, %s to claim it", milliseconds(skew), milliseconds(claim)),
	}
}

func skewOf(interval time.Duration, priority uint8) time.Duration {
	return time.Duration(256-int(priority)) * interval / 256
}

// kept tells whether a promise was kept.
func (p Promise) kept(lost int, outage time.Duration) bool {
	if p.Lossless {
		return lost == 0
	}
	return outage <= time.Duration(p.Bound)
}

func (p Promise) String() string {
	if p.Lossless {
		return "none lost"
	}
	return "at most " + milliseconds(time.Duration(p.Bound))
}

// milliseconds writes a duration as people read outages.
func milliseconds(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d >= 100*time.Millisecond:
		return fmt.Sprintf("%.0f ms", float64(d)/1e6)
	}
	return fmt.Sprintf("%.1f ms", float64(d)/1e6)
}
