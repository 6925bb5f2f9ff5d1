package config

import (
	"cmp"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"

	"github.com/holdfast-net/holdfast/internal/check"
)

// backendHost is the host that a check of a service looks at: each backend.
const backendHost = "backend"

// towards gives an endpoint of a check for a backend: its address where the host is
// the word for it, with the backend's port where none is written.
func towards(e check.Endpoint, backend netip.AddrPort) (check.Endpoint, bool) {
	if e.Host != backendHost {
		return e, false
	}
	return check.Endpoint{Host: backend.Addr().String(), Port: cmp.Or(e.Port, backend.Port())}, true
}

// forBackend gives the kind of a check as it looks at one backend, and whether
// it looks at backends at all.
func forBackend(k check.Kind, b netip.AddrPort) (check.Kind, bool) {
	is := false
	switch x := k.(type) {
	case check.TCP:
		x.To, is = towards(x.To, b)
		return x, is
	case check.TLS:
		x.To, is = towards(x.To, b)
		return x, is
	case check.Script:
		x.To, is = towards(x.To, b)
		return x, is
	case check.Postgres:
		x.To, is = towards(x.To, b)
		return x, is
	case check.DNS:
		x.To, is = towards(x.To, b)
		return x, is
	case check.UDP:
		x.To, is = towards(x.To, b)
		return x, is
	case check.GRPC:
		x.To, is = towards(x.To, b)
		return x, is
	case check.Agent:
		x.To, is = towards(x.To, b)
		return x, is
	case check.Ping:
		if x.Host == backendHost {
			x.Host, is = b.Addr().String(), true
		}
		return x, is
	case check.HTTP:
		x.Connect, is = towards(x.Connect, b)
		x.URLs = slices.Clone(x.URLs)
		for i, text := range x.URLs {
			if u, err := url.Parse(text); err == nil && u.Hostname() == backendHost {
				port := cmp.Or(u.Port(), strconv.Itoa(int(b.Port())))
				u.Host = net.JoinHostPort(b.Addr().String(), port)
				x.URLs[i], is = u.String(), true
			}
		}
		return x, is
	}
	return k, false
}

// perBackend tells whether a check looks at backends.
func (k *rawCheck) perBackend() bool {
	if k.kind == nil {
		return false
	}
	_, is := forBackend(k.kind, netip.AddrPort{})
	return is
}

// checkOf is the name of a check as it is run for a backend.
func checkOf(name string, backend netip.AddrPort) string { return name + "@" + backend.String() }

// serviceChecks checks the use of checks by services, and that no group uses
// one that is for them. It marks those that are used.
func (c *checker) serviceChecks(checks, used names) {
	forServices := names{}
	for _, k := range c.raw.checks {
		forServices[k.name] = k.perBackend()
	}
	for _, s := range c.raw.services {
		seen := names{}
		for _, u := range s.checks {
			switch {
			case !checks[u.v]:
				c.add(ruleCheckUnknown, u.at, c.nameHint(u.v, checks, "add it at the top level: checks: {NAME: {tcp: backend}}"), "there is no check %q", cut(u.v))
			case seen[u.v]:
				c.add(ruleCheckTwice, u.at, "remove one of them", "service %s already uses check %s", s.name, u.v)
			}
			seen[u.v], used[u.v] = true, true
		}
	}
	alone := func(u val[string], what string) {
		if forServices[u.v] {
			c.add(ruleServiceCheck, u.at, "write an address into it, or another check", "check %s looks at the backends of services, so %s cannot use it", u.v, what)
		}
	}
	for _, g := range c.raw.groups {
		for _, u := range g.uses {
			alone(u.check, "group "+g.name)
		}
		for _, r := range g.ready {
			alone(r, "ready of group "+g.name)
		}
	}
	for _, k := range c.raw.checks {
		for _, m := range k.members {
			alone(m, "check "+k.name)
		}
	}
}
