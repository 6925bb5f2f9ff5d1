package config

import (
	"net/netip"
	"slices"
)

// peers checks the unicast peers.
func (c *checker) peers(g *rawGroup) {
	v := g.vrrp
	if len(v.peers) == 0 {
		return
	}
	seen := map[netip.Addr]bool{}
	var four, six bool
	for _, p := range v.peers {
		four, six = four || p.v.Is4(), six || p.v.Is6()
		switch own, name := c.ownLink(p.v); {
		case unusable(p.v) != "":
			c.add(rulePeerAddress, p.at, "write the address of another node", "%s cannot be a peer: %s", p.v, unusable(p.v))
		case g.holds(p.v):
			c.add(rulePeerAddress, p.at, "write the node's own address, which does not move", "%s cannot be a peer: it is an address of this group", p.v)
		case seen[p.v]:
			c.add(rulePeerTwice, p.at, "remove one of them", "%s is already a peer", p.v)
		case own:
			c.add(rulePeerSelf, p.at, "list the other nodes only", "%s is this node: it is an address of %s", p.v, name)
		case len(g.addresses) > 0 && !g.has(p.v.Is4()):
			c.add(rulePeerFamily, p.at, "add an address of that family, or remove the peer", "%s is an %s peer, but the group has no %s address", p.v, family(p.v.Is4()), family(p.v.Is4()))
		}
		seen[p.v] = true
	}
	for _, is4 := range []bool{true, false} {
		if g.has(is4) && !(four && is4 || six && !is4) && v.peersFrom != wrong {
			c.add(rulePeerMissing, v.peersAt, "add an "+family(is4)+" peer", "the group's %s addresses have no peer, so their adverts use multicast", family(is4))
		}
	}
	if v.auth.from == absent {
		c.add(ruleUnicastAuth, v.peersAt, "add auth: {hmac: {keys: {1: {file: PATH}}}} on all nodes", "unicast without authentication: whoever can send from a peer's address can take the group's addresses over")
	}
	if v.mac.set() && v.mac.v == "virtual" {
		c.add(ruleUnicastMAC, v.mac.at, "mac: auto decides by what works", "mac: virtual with unicast peers: networks that need unicast often do not let other MAC addresses through")
	}
}

// holds tells whether the group has an address.
func (g *rawGroup) holds(a netip.Addr) bool {
	return slices.ContainsFunc(g.addresses, func(x val[netip.Prefix]) bool { return x.v.Addr() == a })
}

// ownLink finds the interface of this machine that has an address.
func (c *checker) ownLink(a netip.Addr) (bool, string) {
	for _, l := range c.facts.Links {
		if owns(l, a) {
			return true, l.Name
		}
	}
	return false, ""
}

func owns(l Link, a netip.Addr) bool {
	return slices.ContainsFunc(l.Addresses, func(p netip.Prefix) bool { return p.Addr().WithZone("") == a })
}

func hasFamily(l Link, four bool) bool {
	return slices.ContainsFunc(l.Addresses, func(p netip.Prefix) bool {
		return p.Addr().Is4() == four && (four || !p.Addr().IsLinkLocalUnicast())
	})
}

// prefixes lists the link's subnets of a family.
func prefixes(l Link, four bool) string {
	out := ""
	for _, p := range l.Addresses {
		if p.Addr().Is4() != four || p.Addr().Is6() && p.Addr().IsLinkLocalUnicast() {
			continue
		}
		if out != "" {
			out += ", "
		}
		out += p.Masked().String()
	}
	return out
}
