package hold

import "time"

// Instant is a time by the gate's clock: nanoseconds of CLOCK_BOOTTIME, which
// goes on while the machine sleeps.
type Instant int64

// Add is t later.
func (t Instant) Add(d time.Duration) Instant { return t + Instant(d) }

// Sub is the time from u to t.
func (t Instant) Sub(u Instant) time.Duration { return time.Duration(t - u) }

// Doors is what the gate lets pass for a router, each until an instant. An
// instant that is over, zero above all, is a closed door.
type Doors struct {
	// Announced is until when ARP and ND are answered for the addresses and
	// adverts may be sent. At most one node of a group has it in the future.
	Announced Instant
	// Served is until when packets to and from the addresses pass.
	Served Instant
	// Advertised is until when a router may send adverts that is about to
	// hold, and does not yet.
	Advertised Instant
}

// Level is what a router does about its addresses.
type Level uint8

const (
	Closed    Level = iota // nothing passes
	Claiming               // adverts may be sent, and what arrives is served
	Serving                // what still arrives is served; nothing is announced
	Holding                // the address is announced and served, from the next advert on
	Preparing              // adverts may be sent, as by Claiming; what arrives is not served yet
)

func (l Level) String() string {
	if names := [...]string{"closed", "claiming", "serving", "holding", "preparing"}; int(l) < len(names) {
		return names[l]
	}
	return "level ?"
}
