package config

import (
	"net/netip"
	"slices"
)

// maxAddresses of one family: the count in an advert has 8 bits (RFC 9568
// §5.2.5).
const maxAddresses = 255

// maxAddresses6 is how many IPv6 addresses an advert carries on Ethernet: 40
// bytes of IP, 8 of VRRP and 28 of signature leave room for this many within
// 1500 bytes, and routers need not reassemble (RFC 9568 §5.2).
const maxAddresses6 = (1500 - 40 - 8 - 28) / 16

// addresses checks the addresses of one group, each by itself.
func (c *checker) addresses(g *rawGroup) {
	if g.addressesFrom != wrong && len(g.addresses) == 0 {
		at := g.at
		if g.addressesFrom == given {
			at = g.addressesAt
		}
		c.add(ruleNoAddresses, at, "add addresses: [192.0.2.10/24]", "group %s has no addresses", g.name)
	}
	count := map[bool]int{}
	for _, a := range g.addresses {
		addr := a.v.Addr()
		count[addr.Is4()]++
		if why := unusable(addr); why != "" {
			c.add(ruleUnusable, a.at, "", "%s cannot be held: %s", addr, why)
			continue
		}
		if why := hostPart(a.v); why != "" {
			c.add(ruleHostPart, a.at, "choose another host part, or check the length", "%s is %s of %s", addr, why, a.v.Masked())
		}
	}
	for _, four := range []bool{true, false} {
		limit := maxAddresses
		if !four {
			limit = maxAddresses6
			if !g.hasLinkLocal() {
				limit-- // one will be added
			}
		}
		if n := count[four]; n > limit {
			c.add(ruleTooMany, g.addressesAt, "split them over groups with ids of their own, joined by with:", "%d %s addresses do not fit into one advert; there is room for %d", n, family(four), limit)
		}
	}
}

func (g *rawGroup) hasLinkLocal() bool {
	return slices.ContainsFunc(g.addresses, func(a val[netip.Prefix]) bool {
		return a.v.Addr().Is6() && a.v.Addr().IsLinkLocalUnicast()
	})
}

// unusable says why no host can have an address. 0.0.0.0/8 and 240.0.0.0/4
// are RFC 1122 §3.2.1.3 and RFC 1112 §4.
func unusable(a netip.Addr) string {
	switch {
	case a.IsUnspecified():
		return "it is the unspecified address"
	case a.IsLoopback():
		return "it is a loopback address"
	case a.IsMulticast():
		return "it is a multicast address"
	case a.Is4() && a.As4()[0] == 0:
		return "it is in 0.0.0.0/8"
	case a.Is4() && a.As4()[0] >= 240:
		return "it is in 240.0.0.0/4, which is reserved"
	}
	return ""
}

// hostPart says which special address of its subnet a prefix is, if one. Point
// to point subnets have none (RFC 3021, RFC 6164).
func hostPart(p netip.Prefix) string {
	addr, subnet := p.Addr(), p.Masked()
	if p.Bits() >= addr.BitLen()-1 {
		return ""
	}
	if addr == subnet.Addr() {
		if addr.Is4() {
			return "the network address"
		}
		return "the subnet-router anycast address" // RFC 4291 §2.6.1
	}
	if addr.Is4() {
		last := subnet.Addr().As4()
		for i := p.Bits(); i < 32; i++ {
			last[i/8] |= 0x80 >> (i % 8)
		}
		if addr == netip.AddrFrom4(last) {
			return "the broadcast address"
		}
	}
	return ""
}

// addressesOnce finds addresses that are in two places. Link-local ones are
// the same address only on the same interface.
func (c *checker) addressesOnce() {
	type place struct {
		group string
		line  int
	}
	seen := map[netip.Addr]place{} // with the interface as zone for link-local ones
	for _, g := range c.raw.groups {
		for _, a := range g.addresses {
			addr := a.v.Addr()
			if addr.Is6() && addr.IsLinkLocalUnicast() {
				if g.iface.v == "" {
					continue
				}
				addr = addr.WithZone(g.iface.v)
			}
			first, twice := seen[addr]
			switch {
			case !twice:
				seen[addr] = place{g.name, a.at.line}
			case first.group == g.name:
				c.add(ruleAddressHeld, a.at, "remove one of them", "%s is twice in group %s", a.v.Addr(), g.name)
			default:
				c.add(ruleAddressHeld, a.at, "an address belongs to one group", "%s is already in group %s (line %d)", a.v.Addr(), first.group, first.line)
			}
		}
	}
}

// vridsOnce finds VRIDs that are used twice on an interface and family, where
// both would have one virtual MAC and hear each other's adverts.
func (c *checker) vridsOnce() {
	type router struct {
		iface string
		four  bool
		id    int
	}
	seen := map[router]*rawGroup{}
	for _, g := range c.raw.groups {
		if g.vrrp == nil || !g.vrrp.id.set() || g.iface.v == "" {
			continue
		}
		for _, four := range []bool{true, false} {
			if !g.has(four) {
				continue
			}
			r := router{g.iface.v, four, g.vrrp.id.v}
			if first := seen[r]; first != nil {
				c.add(ruleVRIDTwice, g.vrrp.id.at, "choose another id; every group on an interface needs its own",
					"id %d is already used on %s for %s by group %s (line %d)", r.id, g.iface.v, family(four), first.name, first.vrrp.id.at.line)
				break
			}
			seen[r] = g
		}
	}
}
