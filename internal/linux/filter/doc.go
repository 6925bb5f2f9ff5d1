// Package filter closes addresses with nftables tables of our own, for virtual
// routers that answer for addresses but must not accept packets to them
// (Accept_Mode false, RFC 9568 §6.1). Packets to a closed address are dropped,
// neighbour discovery excepted.
//
// Whether an address may answer at all at an instant is not decided here but
// in package gate.
//
// The addresses are elements of named sets, so one is closed, or a thousand,
// in one transaction that either happens or does not. There is one table
// called holdfast per family, there as long as an address of that family is
// closed:
//
//	table ip holdfast:  set closed, input chain
//	table ip6 holdfast: sets closed, closed_link, input chain
//
// Link-local addresses are unique on a link only, so theirs are in a set of
// (interface index, address).
//
// The tables outlive a process that is killed, on purpose: an address that
// was closed stays closed until the next run has taken it off and calls
// [Clear].
package filter
