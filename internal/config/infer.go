package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// inferInterfaces finds the interface of each group that names none: the one
// with the longest subnet that contains the first address that any subnet
// contains.
func (c *checker) inferInterfaces() {
	for _, g := range c.raw.groups {
		if g.iface.from != absent || c.facts.Links == nil || len(g.addresses) == 0 {
			continue
		}
		names := c.linksFor(g)
		switch len(names) {
		case 1:
			g.iface.v = names[0]
		case 0:
			c.add(ruleNoInterface, g.at, "add interface: NAME; there are "+c.linkNames(),
				"cannot tell the interface of group %s: no interface has a subnet with %s", g.name, g.addresses[0].v.Addr())
			g.iface.from = wrong
		default:
			c.add(ruleNoInterface, g.at, "add interface: NAME",
				"cannot tell the interface of group %s: %s are all in the subnet of %s", g.name, strings.Join(names, " and "), g.addresses[0].v.Addr())
			g.iface.from = wrong
		}
	}
}

// linksFor lists the interfaces with the longest subnet that contains the
// first address of the group that is in any.
func (c *checker) linksFor(g *rawGroup) []string {
	for _, a := range g.addresses {
		if a.v.Addr().IsLinkLocalUnicast() && a.v.Addr().Is6() {
			continue // in the subnet of every interface
		}
		var names []string
		best := 0
		for _, l := range c.facts.Links {
			bits := subnetBits(l, a.v.Addr())
			switch {
			case bits == 0 || bits < best:
			case bits > best:
				names, best = []string{l.Name}, bits
			case !slices.Contains(names, l.Name):
				names = append(names, l.Name)
			}
		}
		if len(names) > 0 {
			slices.Sort(names)
			return names
		}
	}
	return nil
}

// subnetBits is the length of the link's longest subnet that contains a, or 0.
// A subnet of one address contains nothing but its host.
func subnetBits(l Link, a netip.Addr) int {
	best := 0
	for _, p := range l.Addresses {
		if p.Masked().Contains(a) && !p.IsSingleIP() {
			best = max(best, p.Bits())
		}
	}
	return best
}

// link finds an interface among the facts.
func (c *checker) link(name string) (Link, bool) {
	for _, l := range c.facts.Links {
		if l.Name == name {
			return l, true
		}
	}
	return Link{}, false
}

// linkNames lists the interfaces for a hint, loopback left out.
func (c *checker) linkNames() string {
	var names []string
	for _, l := range c.facts.Links {
		if l.Name != "lo" {
			names = append(names, l.Name)
		}
	}
	slices.Sort(names)
	if len(names) == 0 {
		return "no interfaces"
	}
	if more := len(names) - 8; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:8], ", "), more)
	}
	return strings.Join(names, ", ")
}
