// Package group decides, for groups of addresses that move together, which
// state they are in and what has to be done about it.
//
// A [Set] is one or more groups joined by "with:"; a group alone is a set of
// one. Every group has one [vrrp.Router] per address family. The set is Active
// only as a whole, and that is the one rule everything here follows from:
//
//   - it claims when every router of it asks to be Active ([vrrp.Config.Ask])
//     and becomes Active once all addresses are installed. Where it claims
//     because the holder fell silent, it advertises at once, so that other
//     backups wait; where the holder may still serve, its first advert waits
//     until the addresses really answer, as the holder lets go on hearing it;
//   - it leaves as soon as one router of it may not stay Active, and then
//     takes the others with it.
//
// # Leaving loses nothing
//
// A set that leaves in order (a handover, a shutdown, a failed check) first
// silences ARP and ND for its addresses, then says priority 0, and goes on
// serving the traffic that still arrives until it has heard its successor's
// first advert, or until the time is over in which any VRRP peer would have
// sent one. A handover that nobody takes up is called off: the set is Active
// again.
//
// # Phases
//
// Between the states that people see, a set is in one of these phases:
//
//	resting   init    not started, in maintenance, or stopped
//	unfit     fault   a link is down, a check with a veto failed, the kernel refused
//	waiting   backup  another node is the holder, or will be found missing
//	claiming  backup  every router asks; the addresses are being installed
//	holding   active  the addresses answer, adverts are sent
//	hushing   active  ARP and ND are being silenced, then priority 0 is said
//	leaving   backup  what still arrives is served, until the successor was heard
//
// Events change facts; after each event settle moves the set, phase by phase, to
// where its facts want it. testdata/events.txt shows what every event does in
// every phase.
//
// The package is pure: no clock, no goroutine, no I/O. Events go into
// [Set.Step], actions come out, and the answer to an action that the kernel
// carries out (Install, Quiet, Remove) comes back as a [Done] event.
package group
