// Package vrrp speaks the Virtual Router Redundancy Protocol: version 3
// (RFC 9568, with errata 7947, 7949 and 8298 to 8301) and version 2
// (RFC 3768), for IPv4 and IPv6.
//
// The package is pure. It has no socket, no clock, no goroutine and no
// randomness: a caller hands packets and the time to a [Router] and carries
// out the actions that come back.
//
//	r, err := vrrp.New(vrrp.Config{VRID: 51, Family: vrrp.IPv4, ...})
//	acts = r.Step(now, vrrp.Startup(), acts[:0])
//	for {
//		// carry out acts; sleep until r.Deadline() or a packet
//		acts = r.Step(now, vrrp.Tick(), acts[:0])
//		acts = r.Step(now, vrrp.Received(&pkt), acts[:0])
//	}
//
// One Router is one virtual router: one VRID, one address family, one
// interface. IPv4 and IPv6 twins, and routers that must move together, are
// combined by the caller: with [Config.Ask] set, a Router that would become
// Active emits [ActionAsk] and waits for [Grant].
package vrrp
