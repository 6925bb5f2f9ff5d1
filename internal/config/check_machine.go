package config

import (
	"fmt"
	"strings"
)

// machine checks a group against the interfaces that the machine has. They
// may come later (a VLAN, a bridge), so what is missing is a warning.
func (c *checker) machine(g *rawGroup) {
	if c.facts.Links == nil || !g.iface.good() || g.iface.v == "" {
		return
	}
	l, ok := c.link(g.iface.v)
	if !ok {
		c.add(ruleInterface, g.iface.at, c.linkHint(g.iface.v), "there is no interface %s now; group %s waits for it", g.iface.v, g.name)
		return
	}
	for _, a := range g.addresses {
		addr := a.v.Addr()
		if addr.Is6() && addr.IsLinkLocalUnicast() || unusable(addr) != "" || !hasFamily(l, addr.Is4()) {
			continue
		}
		if subnetBits(l, addr) == 0 && !owns(l, a.v.Addr()) {
			c.add(ruleSubnet, a.at, fmt.Sprintf("%s has %s; hosts there will not ask for this address unless a route says so", l.Name, prefixes(l, addr.Is4())),
				"%s is outside every subnet of %s", addr, l.Name)
		}
	}
}

// linkHint is for an interface that does not exist.
func (c *checker) linkHint(name string) string {
	var names []string
	for _, l := range c.facts.Links {
		names = append(names, l.Name)
	}
	stem := func(s string) string { return strings.TrimRight(s, "0123456789") }
	// Another number is another interface, not a slip of the finger.
	if near := nearest(name, names); near != "" && stem(near) != stem(name) {
		return fmt.Sprintf("did you mean %s? there are %s", near, c.linkNames())
	}
	return "there are " + c.linkNames()
}

// owner checks what priority 255 promises: that the addresses are the node's
// own (RFC 9568 §5.2.4). An interface without any address of the family has
// not been set up yet, and tells nothing.
func (c *checker) owner(g *rawGroup) {
	if g.vrrp.priority.v != 255 || !g.vrrp.priority.set() {
		return
	}
	if g.vrrp.preempt.set() && !g.vrrp.preempt.v {
		c.add(ruleOwnerYields, g.vrrp.preempt.at, "remove preempt, or use a priority below 255", "preempt: false has no effect with priority 255: the owner of the addresses always takes over")
	}
	for _, u := range g.uses {
		if u.weight.set() && u.weight.v > 0 {
			c.add(ruleOwnerWeight, u.weight.at, "use a veto, or a priority below 255", "the weight has no effect: the priority of the owner is always 255")
		}
	}
	l, ok := c.link(g.iface.v)
	if !ok {
		return
	}
	for _, a := range g.addresses {
		if hasFamily(l, a.v.Addr().Is4()) && !owns(l, a.v.Addr()) && !(a.v.Addr().Is6() && a.v.Addr().IsLinkLocalUnicast()) {
			c.add(ruleOwner, g.vrrp.priority.at, "use 254 for the node that should hold the addresses",
				"priority 255 is for the owner of the addresses, and %s is not an address of %s", a.v.Addr(), l.Name)
			return
		}
	}
}
