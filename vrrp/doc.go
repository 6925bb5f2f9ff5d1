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
// Active emits [ActionAsk] and waits for [Grant], in silence or, after [Claim],
// advertising.
//
// # What happens to a packet
//
// It passes the checks of RFC 9568 §7.1 in their order, and those that
// unicast, authentication and version 2 add; [Drop] lists them. What differs
// between an accepted sender and this node is reported as a [Notice]. Then the
// state acts on it.
//
// # Where this package goes beyond the RFC
//
//   - Both IPv4 checksums of version 3 are accepted (see [ChecksumMode]).
//   - The interval learnt from an Active is kept within Config.LearnMin and
//     Config.LearnMax.
//   - Immediate answers to losing adverts are limited to 100 a second.
//   - A startup hold, a preempt delay, unicast peers and the auth_hmac trailer
//     of keepalived are known.
//
// Answering ARP and neighbour discovery, virtual MAC addresses and forwarding
// (RFC 9568 §7.2, §8) are the caller's. docs/conformance.md lists every
// requirement and the tests that prove it.
package vrrp
