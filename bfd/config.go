package bfd

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"time"
)

// Timing is what the operator of a session chooses: how often to send, how
// often to hear, and how many packets in a row must be missing.
type Timing struct {
	DesiredMinTx  time.Duration // shortest interval we want to send at: 1µs..MaxInterval, whole microseconds; 0: 1s
	RequiredMinRx time.Duration // shortest interval we can hear at, likewise; 0: 1s
	DetectMult    uint8         // 0: 3
}

// Config describes one session. New validates it and fills defaults.
type Config struct {
	Timing
	Discriminator uint32     // ours: not zero, and of no other session of this system
	Peer          netip.Addr // the neighbour
	Link          int        // the link to it, by the caller's numbers
	Passive       bool       // wait for the neighbour's first packet, RFC 5880 §6.1
	Auth          *Auth      // nil: none
	Rand          *rand.Rand // jitter, and the first sequence number
}

// complete returns a copy of t with defaults filled in.
func (t Timing) complete() Timing {
	if t.DesiredMinTx == 0 {
		t.DesiredMinTx = time.Second
	}
	if t.RequiredMinRx == 0 {
		t.RequiredMinRx = time.Second
	}
	if t.DetectMult == 0 {
		t.DetectMult = 3
	}
	return t
}

func (t Timing) check(bad *mistakes) {
	for _, v := range []struct {
		what string
		d    time.Duration
	}{{"desired min tx", t.DesiredMinTx}, {"required min rx", t.RequiredMinRx}} {
		switch {
		case v.d < time.Microsecond || v.d > MaxInterval:
			bad.add("%s %s is not in 1µs..%s", v.what, v.d, MaxInterval)
		case v.d%time.Microsecond != 0:
			bad.add("%s %s is not a whole number of microseconds", v.what, v.d)
		}
	}
}

// complete returns a copy of c with defaults filled in, or every problem found.
func (c Config) complete() (Config, error) {
	c.Timing = c.Timing.complete()
	c.Peer = plain(c.Peer)
	var bad mistakes
	c.Timing.check(&bad)
	if c.Discriminator == 0 {
		bad.add("discriminator 0 names no session")
	}
	if !c.Peer.IsValid() || c.Peer.IsUnspecified() || c.Peer.IsMulticast() {
		bad.add("peer %s is not the address of a neighbour", c.Peer)
	}
	if c.Rand == nil {
		bad.add("there is no source of randomness")
	}
	if c.Auth != nil {
		c.Auth.check(&bad)
	}
	if len(bad) > 0 {
		return Config{}, errors.New("cannot use session configuration: " + strings.Join(bad, "; "))
	}
	return c, nil
}

// mistakes are all that is wrong with a configuration.
type mistakes []string

func (m *mistakes) add(format string, a ...any) { *m = append(*m, fmt.Sprintf(format, a...)) }

// plain takes off what makes one address look like two: the zone of a
// link-local address and the IPv6 form of an IPv4 address.
func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }
