package config

import (
	"time"

	"github.com/holdfast-net/holdfast/vrrp"
)

// version checks what a version cannot do, and settings without effect.
func (c *checker) version(g *rawGroup) {
	v := g.vrrp
	if !v.version.good() {
		return
	}
	if v.version.v == 2 {
		for _, a := range g.addresses {
			if a.v.Addr().Is6() {
				// RFC 3768 §1: IPv4 only.
				c.add(ruleV2IPv6, a.at, "use version 3, or move the IPv6 addresses to a group of their own and join the two by with:", "version 2 has no IPv6 addresses")
				break
			}
		}
		c.noEffect(v.checksum.set(), v.checksum.at, "checksum has no effect with version 2, which has one form")
		c.noEffect(v.learnMin.set(), v.learnMin.at, "learn has no effect with version 2, where intervals must be the same on all nodes")
		c.noEffect(v.learnMax.set() && !v.learnMin.set(), v.learnMax.at, "learn has no effect with version 2, where intervals must be the same on all nodes")
		return
	}
	c.noEffect(v.checksum.set() && v.checksum.v != "auto" && len(g.addresses) > 0 && !g.has(true), v.checksum.at, "checksum has no effect without IPv4 addresses: IPv6 has one form")
	c.noEffect(v.addressList.set() && v.addressList.v == "strict", v.addressList.at, "address_list: strict has no effect with version 3, which never drops for that")
}

func (c *checker) noEffect(it bool, at span, why string) {
	if it {
		c.add(ruleNoEffect, at, "remove it", "%s", why)
	}
}

// timing checks the intervals and delays against each other.
func (c *checker) timing(g *rawGroup) {
	v := g.vrrp
	switch {
	case !v.interval.good() || !v.version.good():
	case v.version.v == 2 && v.interval.v%time.Second != 0:
		// RFC 3768 §5.3.7: the field has whole seconds.
		c.add(ruleV2Interval, v.interval.at, "use whole seconds, or version 3", "version 2 has intervals of whole seconds, not %s", v.interval.v)
	case v.version.v == 3 && v.interval.v > vrrp.MaxInterval:
		c.add(ruleRange, v.interval.at, "", "interval %s is above %s, the longest of version 3", v.interval.v, vrrp.MaxInterval)
	case v.interval.v%vrrp.MinInterval != 0:
		// RFC 9568 §5.2.7: the field has centiseconds, in 12 bits.
		c.add(ruleInterval, v.interval.at, "", "an interval has steps of %s; %s is between %s and %s", vrrp.MinInterval, v.interval.v,
			v.interval.v.Truncate(vrrp.MinInterval), v.interval.v.Truncate(vrrp.MinInterval)+vrrp.MinInterval)
	}
	if v.preempt.good() && !v.preempt.v && v.preemptDelay.set() && v.preemptDelay.v > 0 {
		c.add(ruleDelayUnused, v.preemptDelay.at, "remove one of the two", "preempt_delay has no effect with preempt: false")
	}
	lo, hi := v.learnMin, v.learnMax
	switch {
	case lo.set() && hi.set() && lo.v > hi.v:
		c.add(ruleLearn, hi.at, "", "learn has a max of %s below its min of %s", hi.v, lo.v)
	case lo.set() && v.interval.good() && lo.v > v.interval.v:
		c.add(ruleLearn, lo.at, "the bounds must contain the interval", "learn has a min of %s above the interval of %s", lo.v, v.interval.v)
	case hi.set() && v.interval.good() && hi.v < v.interval.v:
		c.add(ruleLearn, hi.at, "the bounds must contain the interval", "learn has a max of %s below the interval of %s", hi.v, v.interval.v)
	}
	if g.refresh.set() && g.refresh.v > 0 && g.refresh.v < time.Second {
		c.add(ruleRange, g.refresh.at, "0s turns it off", "refresh %s is below 1s", g.refresh.v)
	}
	if v.hops.set() && v.hops.v < 255 && len(v.peers) == 0 && v.peersFrom != wrong {
		c.add(ruleHops, v.hops.at, "remove it; it is for unicast peers behind routers", "hops %d lets adverts in that were forwarded, which multicast never are", v.hops.v)
	}
}
