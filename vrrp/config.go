package vrrp

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// ChecksumMode selects the IPv4 VRRPv3 checksum that is sent (RFC 5798 §5.2.8
// covers a pseudo-header, RFC 9568 §5.2.8 the message only). Both are always
// accepted.
type ChecksumMode uint8

const (
	ChecksumAuto    ChecksumMode = iota // pseudo-header until a message-only Active is heard, then as heard
	ChecksumRFC5798                     // with the IPv4 pseudo-header
	ChecksumRFC9568                     // message only
)

// String gives the word used in configuration files.
func (m ChecksumMode) String() string {
	return name([]string{"auto", "rfc5798", "rfc9568"}, int(m), "checksum mode")
}

// Config describes one virtual router. New validates it and fills defaults.
type Config struct {
	VRID         uint8
	Family       Family
	Version      uint8         // 2 or 3; 0 means 3; 2 is IPv4 only
	Priority     uint8         // 1..255; 0 means 100; 255 is the address owner
	Interval     time.Duration // v3: 10ms..40.95s in steps of 10ms; v2: 1s..255s in steps of 1s; 0 means 1s
	NoPreempt    bool
	PreemptDelay time.Duration // let a lower-priority Active be for this long after it is first heard
	StartupHold  time.Duration // after Startup, do not claim for this long
	Addresses    []netip.Addr  // 1..255, in advert order; IPv6: first is link-local
	Source       netip.Addr    // primary address of the interface; unspecified while there is none
	LearnMin     time.Duration // bounds on the interval learnt from an Active; 0: Interval/10 (at least 10ms)
	LearnMax     time.Duration // 0: Interval*10 (at most 40.95s)
	Peers        []netip.Addr  // unicast peers; none means multicast
	Hops         uint8         // lowest TTL/hop limit accepted; 0 means 255 (RFC 9568 §5.1.1.3)
	Checksum     ChecksumMode
	StrictList   bool   // v2: discard a non-owner's advert whose address list differs (RFC 3768 §7.1)
	Pass         string // v2 PASS (RFC 2338 §5.3.6.2), at most 8 bytes
	HMAC         *HMAC  // auth_hmac trailer
	Ask          bool   // emit ActionAsk instead of becoming Active

	// Align puts the adverts of an Active on multiples of this duration, at
	// first up to so much early, so that many routers send together and wake
	// their machine less often. 0: off; at most half of Interval.
	Align time.Duration
}

// complete returns a copy of c with defaults filled in, sharing no memory with
// the caller, or every problem found.
func (c Config) complete() (Config, error) {
	if c.Version == 0 {
		c.Version = 3
	}
	if c.Priority == 0 {
		c.Priority = DefaultPriority
	}
	if c.Interval == 0 {
		c.Interval = time.Second
	}
	if c.Hops == 0 {
		c.Hops = 255
	}
	if c.LearnMin == 0 {
		c.LearnMin = max(c.Interval/10, MinInterval)
	}
	if c.LearnMax == 0 {
		c.LearnMax = min(c.Interval*10, MaxInterval)
	}
	c.Addresses = plainAddrs(c.Addresses)
	c.Peers = plainAddrs(c.Peers)
	c.Source = plain(c.Source)
	var bad mistakes
	c.checkNumbers(&bad)
	c.checkInterval(&bad)
	c.checkAddresses(&bad)
	c.checkAuth(&bad)
	if len(bad) > 0 {
		return Config{}, errors.New("cannot use virtual router configuration: " + strings.Join(bad, "; "))
	}
	if c.HMAC != nil {
		h := *c.HMAC
		h.Keys = maps.Clone(h.Keys)
		for id, k := range h.Keys {
			h.Keys[id] = slices.Clone(k)
		}
		if h.Window == 0 {
			h.Window = min(max(3*c.Interval, 5*time.Second), maxWindow)
		}
		c.HMAC = &h
	}
	return c, nil
}

// mistakes are all that is wrong with a configuration.
type mistakes []string

func (m *mistakes) add(format string, a ...any) { *m = append(*m, fmt.Sprintf(format, a...)) }

func (c *Config) checkNumbers(bad *mistakes) {
	if c.VRID == 0 {
		bad.add("virtual router id 0 is not in 1..255")
	}
	if c.Family != IPv4 && c.Family != IPv6 {
		bad.add("family %d is neither 4 nor 6", c.Family)
	}
	switch {
	case c.Version != 2 && c.Version != 3:
		bad.add("version %d is neither 2 nor 3", c.Version)
	case c.Version == 2 && c.Family == IPv6:
		bad.add("version 2 has no IPv6")
	}
	if c.Checksum > ChecksumRFC9568 {
		bad.add("%s is unknown", c.Checksum)
	}
	if c.PreemptDelay < 0 {
		bad.add("preempt delay %s is negative", c.PreemptDelay)
	}
	if c.StartupHold < 0 {
		bad.add("startup hold %s is negative", c.StartupHold)
	}
	if c.Align < 0 || c.Interval > 0 && c.Align > c.Interval/2 {
		bad.add("alignment %s is not in 0..%s", c.Align, c.Interval/2)
	}
}

// checkInterval holds the interval to what the wire can say: 12 bits of
// centiseconds (RFC 9568 §5.2.7) or 8 bits of seconds (RFC 3768 §5.3.7).
func (c *Config) checkInterval(bad *mistakes) {
	least, most, step := MinInterval, MaxInterval, MinInterval
	if c.Version == 2 {
		least, most, step = time.Second, 255*time.Second, time.Second
	}
	switch {
	case c.Interval < least || c.Interval > most:
		bad.add("interval %s is not in %s..%s of version %d", c.Interval, least, most, c.Version)
	case c.Interval%step != 0:
		bad.add("interval %s is not a multiple of %s", c.Interval, step)
	case c.LearnMin < 0 || c.LearnMin > c.Interval:
		bad.add("lowest learnt interval %s is not in 0..%s", c.LearnMin, c.Interval)
	case c.Version == 3 && c.LearnMax < c.Interval:
		bad.add("highest learnt interval %s is below the interval %s", c.LearnMax, c.Interval)
	}
}

func (c *Config) checkAddresses(bad *mistakes) {
	family := func(what string, a netip.Addr) {
		known := c.Family == IPv4 || c.Family == IPv6
		if known && (!a.IsValid() || a.Is4() != (c.Family == IPv4)) {
			bad.add("%s %s is not an %s address", what, a, c.Family)
		}
	}
	if n := len(c.Addresses); n == 0 || n > 255 {
		bad.add("%d addresses are not in 1..255", n)
	}
	for i, a := range c.Addresses {
		family("address", a)
		if slices.Contains(c.Addresses[:i], a) {
			bad.add("address %s is listed twice", a)
		}
	}
	// RFC 9568 §5.2.9: the first IPv6 address is the virtual router's
	// link-local address.
	if len(c.Addresses) > 0 && c.Addresses[0].Is6() && !c.Addresses[0].IsLinkLocalUnicast() {
		bad.add("first address %s is not link-local", c.Addresses[0])
	}
	family("source", c.Source)
	for i, p := range c.Peers {
		family("peer", p)
		switch {
		case p == c.Source && !p.IsUnspecified():
			bad.add("peer %s is this node itself", p)
		case slices.Contains(c.Peers[:i], p):
			bad.add("peer %s is listed twice", p)
		case p.IsMulticast():
			bad.add("peer %s is a multicast address", p)
		}
	}
}

func (c *Config) checkAuth(bad *mistakes) {
	if c.Pass != "" {
		switch {
		case c.Version != 2:
			bad.add("a password needs version 2")
		case len(c.Pass) > authDataLen:
			bad.add("password has %d bytes, at most %d are sent", len(c.Pass), authDataLen)
		case c.HMAC != nil:
			bad.add("password and hmac exclude each other")
		}
	}
	if c.HMAC != nil {
		c.HMAC.check(bad)
	}
}

// owner says that the router was configured as the owner of its addresses.
func (c *Config) owner() bool { return c.Priority == OwnerPriority }

// plain takes off what makes one address look like two: the zone of a
// link-local address and the IPv6 form of an IPv4 address.
func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

func plainAddrs(in []netip.Addr) []netip.Addr {
	if len(in) == 0 {
		return nil
	}
	out := make([]netip.Addr, len(in))
	for i, a := range in {
		out[i] = plain(a)
	}
	return out
}
