package demo

import (
	"fmt"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
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
// the machine's share.
func takeover(interval time.Duration, priority uint8) Promise {
	skew := time.Duration(256-int(priority)) * interval / 256
	return Promise{
		Bound: api.Duration((3*interval + skew + slack).Round(100 * time.Microsecond)),
		Why:   fmt.Sprintf("3 intervals, skew %s, %v for the machine", milliseconds(skew), slack),
	}
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
