package config

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/balance/maglev"
)

// maxBackends is how many backends a service may have: tables and the time to
// make them are sized for that.
const maxBackends = 1024

// services checks what services listen on, and what is behind them.
func (c *checker) services() {
	holders := map[netip.Addr]string{} // an address and its group
	for _, g := range c.raw.groups {
		for _, a := range g.addresses {
			holders[a.v.Addr()] = g.name
		}
	}
	c.flows(holders)
	together := closure(c.raw.groups)
	taken := map[balance.Endpoint]string{}
	for _, s := range c.raw.services {
		c.chooseForward(s)
		c.listening(s, holders, together, taken)
		c.behind(s, holders)
		c.forwarding(s, holders, together)
		c.serviceKeys(s)
	}
}

// listening checks where a service listens.
func (c *checker) listening(s *rawService, holders map[netip.Addr]string, together map[string][]string, taken map[balance.Endpoint]string) {
	for i, l := range s.listen {
		group, ok := holders[l.v.Addr()]
		switch {
		case !ok:
			c.add(ruleServiceListen, l.at, "add it to the addresses of a group", "%s is no address of a group here", l.v.Addr())
		case i > 0 && !moves(group, holders[s.listen[0].v.Addr()], together):
			c.add(ruleServiceListen, l.at, "join the groups with with:, or make two services", "service %s listens in groups %s and %s, which do not move together", s.name, holders[s.listen[0].v.Addr()], group)
		case i > 0 && l.v.Proto != s.listen[0].v.Proto:
			c.add(ruleServiceMixed, l.at, "make two services", "service %s listens by %s and by %s", s.name, s.listen[0].v.Proto, l.v.Proto)
		}
		if other, twice := taken[l.v]; twice {
			c.add(ruleServiceTwice, l.at, "one address, port and protocol is one service", "service %s listens on %s already", other, l.v)
		}
		taken[l.v] = s.name
	}
}

// moves tells whether two groups are the same or move together.
func moves(a, b string, together map[string][]string) bool {
	if a == b {
		return true
	}
	for _, name := range together[a] {
		if name == b {
			return true
		}
	}
	return false
}

// behind checks the backends of a service.
func (c *checker) behind(s *rawService, holders map[netip.Addr]string) {
	seen := map[netip.AddrPort]bool{}
	serving := false
	for _, b := range s.backends {
		serving = serving || b.weight.v > 0 && !b.backup.v && !b.sorry.v
		if b.backup.v && b.sorry.v {
			c.add(ruleBackend, b.at, "keep one of them", "a backend is both backup and sorry")
		}
		if !b.address.set() {
			serving = true // whatever is wrong with it was said
			continue
		}
		if seen[b.address.v] {
			c.add(ruleBackend, b.address.at, "give it one weight", "backend %s is there already", b.address.v)
		}
		seen[b.address.v] = true
		if group, ours := holders[b.address.v.Addr()]; ours {
			c.add(ruleBackend, b.address.at, "name the servers behind it", "backend %s has an address of group %s, which moves", b.address.v, group)
		}
		if a := b.address.v.Addr(); a.IsUnspecified() || a.IsMulticast() || a.IsLoopback() && s.forward.v != "proxy" {
			c.add(ruleBackend, b.address.at, "", "no packets can be sent to a backend at %s", a)
		}
	}
	switch {
	case len(s.backends) > maxBackends:
		c.add(ruleBackend, s.backendsAt, "", "service %s has %d backends; %d is the most", s.name, len(s.backends), maxBackends)
	case !serving && s.backendsAt != (span{}):
		c.add(ruleServiceBackends, s.backendsAt, "add a backend with a weight that is no backup", "service %s has no backend to serve it in good times", s.name)
	}
}

// forwarding checks what the way to the backends can do and what it cannot.
func (c *checker) forwarding(s *rawService, holders map[netip.Addr]string, together map[string][]string) {
	if len(s.listen) == 0 {
		return
	}
	first := s.listen[0].v
	if served := c.facts.Forwards; served != nil && !slices.Contains(served, s.forward.v) {
		c.add(ruleServiceUnserved, s.forward.at, "write forward: "+strings.Join(served, ", or "), "this version does not serve forward: %s (service %s)", s.forward.v, s.name)
	}
	switch s.forward.v {
	case "nat", "full-nat", "dsr":
		for _, l := range s.listen[1:] {
			if l.v.Addr().Is4() != first.Addr().Is4() {
				c.add(ruleServiceMixed, l.at, "make a service for each family, or use forward: proxy", "service %s listens on IPv4 and on IPv6, and %s does not translate between them", s.name, s.forward.v)
			}
		}
		for _, b := range s.backends {
			if b.address.set() && b.address.v.Addr().Is4() != first.Addr().Is4() {
				c.add(ruleServiceMixed, b.address.at, "use forward: proxy, or tunnel", "backend %s is %s, the service is %s, and %s does not translate between them",
					b.address.v, family(b.address.v.Addr().Is4()), family(first.Addr().Is4()), s.forward.v)
			}
		}
	}
	// The backend gets the client's packet as it was sent, and answers it
	// itself: there is nobody to rewrite a port.
	if s.forward.v == "dsr" || s.forward.v == "tunnel" {
		for _, b := range s.backends {
			for _, l := range s.listen {
				if b.address.set() && b.address.v.Port() != l.v.Port() {
					c.add(ruleServiceForward, b.address.at, "use forward: full-nat or nat, or the same port", "backend %s has another port than %s, and %s cannot change ports", b.address.v, l.v, s.forward.v)
					break
				}
			}
		}
	}
	for _, t := range s.translate {
		group, ok := holders[t.v]
		switch {
		case !ok || !moves(group, holders[first.Addr()], together):
			c.add(ruleServiceForward, t.at, "add it to the addresses of the group: a flow survives a failover only where the address that backends see moves too",
				"%s is no address of the group of service %s", t.v, s.name)
		case t.v.Is4() != first.Addr().Is4():
			c.add(ruleServiceForward, t.at, "", "%s is not of the family of the backends", t.v)
		}
	}
	if s.forward.v == "proxy" && first.Proto == balance.TCP {
		c.add(ruleServiceProxy, s.forward.at, "clients have to connect again; status and events tell when an address has moved", "connections of service %s end when its address moves or the daemon stops: no proxy can take them along", s.name)
	}
	if s.forward.v != "proxy" {
		c.alone(s, holders[first.Addr()])
	}
}

// serviceKeys finds keys that have no effect, or not the one that was meant.
func (c *checker) serviceKeys(s *rawService) {
	hashes := s.scheduler.v == "maglev" || s.scheduler.v == "source-hash"
	unused := func(written bool, at span, key, needs string) {
		if written {
			c.add(ruleServiceUnused, at, "remove it, or add "+needs, "%s has no effect in service %s", key, s.name)
		}
	}
	unused(s.tunnel.set() && s.forward.v != "tunnel", s.tunnel.at, "tunnel", "forward: tunnel")
	unused(len(s.translate) > 0 && s.forward.v != "full-nat", s.translateAt, "translate", "forward: full-nat")
	unused(s.proxied && s.forward.v != "proxy", s.proxyAt, "proxy", "forward: proxy")
	unused(s.tableSize.set() && !hashes, s.tableSize.at, "table_size", "scheduler: maglev")
	unused(s.sourced && s.scheduler.v != "source-hash" && s.affinity.v == 0, s.sourcesAt, "sources", "affinity: 10m or scheduler: source-hash")
	if s.affinity.v > 0 && s.scheduler.v == "source-hash" {
		c.add(ruleServiceUnused, s.affinity.at, "remove it, or choose another scheduler", "affinity has no effect in service %s: by source-hash a client has one backend anyway", s.name)
	}
	if s.onDown.v == "reset" && len(s.listen) > 0 && s.listen[0].v.Proto == balance.UDP {
		c.add(ruleServiceUnused, s.onDown.at, "write on_down: rehash", "UDP has no resets: on_down: reset is as rehash in service %s", s.name)
	}
	if s.tableSize.set() && hashes {
		if err := maglev.CheckSize(uint32(s.tableSize.v)); err != nil {
			c.add(ruleServiceTable, s.tableSize.at, "the nearest one is "+decimal(maglev.Nearest(uint32(s.tableSize.v))), "table_size %d is no prime", s.tableSize.v)
		}
	}
}
