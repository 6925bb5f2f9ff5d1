// Package bfd speaks Bidirectional Forwarding Detection (RFC 5880) over a
// single hop (RFC 5881): two systems on one link send each other small packets
// at an agreed rate, and each knows within milliseconds when it hears the other
// no more.
//
// The package is pure. It has no socket, no clock, no goroutine and no
// randomness of its own: a caller hands packets and the time to a [Session]
// and carries out the actions that come back.
//
//	s, err := bfd.New(bfd.Config{Discriminator: d, Peer: peer, Rand: rng, ...})
//	acts = s.Step(now, bfd.Enable(), acts[:0])
//	for {
//		// carry out acts; sleep until s.Deadline() or a packet
//		acts = s.Step(now, bfd.Received(&pkt), acts[:0]) // every packet there is, then
//		acts = s.Step(now, bfd.Tick(), acts[:0])
//	}
//
// One Session is one neighbour on one link. Several share a [Table], which
// finds the one that a packet is for.
//
// # Packets first, then the tick
//
// A neighbour is declared lost by a Tick only. Whoever was kept from running
// (SIGSTOP, a busy machine) finds the packets that arrived meanwhile in its
// socket: it must read all of them and Step each before it Steps the Tick, or
// it blames the neighbour for its own absence. Where nothing could arrive
// either (a paused virtual machine), it says [Wake] before the Tick: the
// silence until then was its own, and the detection time starts anew.
//
// # Why a session went down
//
// [ActionTransition] carries a [Reason] beside the diagnostics of the RFC, for
// the three mean different things: after [ReasonExpired] nobody is heard;
// after [ReasonNeighbourDown] the neighbour is alive and does not hear us;
// after [ReasonNeighbourAdminDown] somebody switched the session off, and
// nothing follows for what lies behind it (RFC 5882 §4.2).
//
// # What the neighbour waits
//
// [Session.PeerDetects] is the shortest time after our last packet in which the
// neighbour may declare us lost. A claim that must end before somebody else
// makes it may be tied to that.
//
// # What is left out
//
// Demand mode is answered and never asked for. There is no echo: the packets
// say so. Passwords in clear text and MD5 are recognised and refused; keyed
// and meticulous keyed SHA1 are spoken (RFC 5880 §6.7.4). Multihop (RFC 5883)
// differs by port and TTL only, and is not offered.
//
// Sockets are the caller's: UDP to [Port], from one source port per session
// between [MinSourcePort] and 65535, TTL 255 (RFC 5881 §4, §5).
// docs/conformance-bfd.md lists every requirement and the tests that prove it.
package bfd
