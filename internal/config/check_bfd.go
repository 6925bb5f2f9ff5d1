package config

import (
	"fmt"
	"time"
)

// bfd checks what one group asks of BFD.
func (c *checker) bfd(g *rawGroup) {
	b := g.vrrp.bfd
	if b == nil {
		return
	}
	v := g.vrrp
	if part := b.interval.v % time.Microsecond; b.interval.good() && part != 0 {
		// RFC 5880 §4.1: the fields count microseconds.
		c.add(ruleBFDInterval, b.interval.at, fmt.Sprintf("write %s", b.interval.v-part),
			"bfd counts in whole microseconds, not %s", b.interval.v)
	}
	if b.interval.good() && b.multiplier.good() && v.interval.good() {
		after, anyway := b.interval.v*time.Duration(b.multiplier.v), 3*v.interval.v
		c.noEffect(after >= anyway, b.at, fmt.Sprintf(
			"bfd has no effect: it misses a node after %s, VRRP after %s", duration(after), duration(anyway)))
	}
	// RFC 5881 §5: one hop.
	c.noEffect(v.hops.set() && v.hops.v < 255, b.at, "bfd has no effect for peers behind routers: it reaches the same segment only")
}

// bfdOnce checks that the groups of an interface agree: they share sessions.
func (c *checker) bfdOnce() {
	first := map[string]*rawGroup{}
	for _, g := range c.raw.groups {
		if g.vrrp == nil || g.vrrp.bfd == nil || !g.iface.good() || g.iface.v == "" {
			continue
		}
		o := first[g.iface.v]
		if o == nil {
			first[g.iface.v] = g
			continue
		}
		a, b := o.vrrp.bfd.auth, g.vrrp.bfd.auth
		known := (a == nil || a.found) && (b == nil || b.found)
		if known && ((a == nil) != (b == nil) || a != nil && !a.value.Equal(b.value)) {
			c.add(ruleBFDDiffer, g.vrrp.bfd.at, "groups of one interface share their sessions: give all of them the same auth, or none",
				"groups %s and %s on %s have different keys of bfd", o.name, g.name, g.iface.v)
		}
	}
}
