// Package group decides, for groups of addresses that move together, which
// state they are in and what has to be done about it.
//
// A [Set] is one or more groups joined by "with:"; a group alone is a set of
// one. Every group has one [vrrp.Router] per address family. The set is Active
// only as a whole, and that is the one rule everything here follows from:
//
//   - it claims when every router of it asks to be Active ([vrrp.Config.Ask])
//     and becomes Active once all addresses are installed and no other node
//     may hold them;
//   - it leaves as soon as one router of it may not stay Active, and then
//     takes the others with it.
//
// # Never two
//
// What a node holds expires by itself (package hold), and at most one node of
// a group announces its addresses. So a set opens its hold in steps:
//
//   - it advertises, by its leading router, that it claims: other backups
//     wait, and who claims too yields or is yielded to;
//   - it listens, once that advert was handed to the kernel ([Spoke]), for
//     longer than an advert takes to arrive;
//   - it waits for every other node that it heard advertise (a contender),
//     until that one has said that it yields or that it leaves, or until it
//     has been silent for so long that its hold is over. Another vendor's
//     router is not waited for: it lets go when it hears the better advert,
//     and has no way to say so;
//   - it opens on a Tick, when all that had arrived has been heard.
//
// A holdfast node that has cause to preempt a live holder does not claim: it
// asks ([Asked]), and the holder hands over as if an operator had named it. A
// node whose hold ended before it was renewed ([Lapsed]) becomes Backup
// without a priority 0: another node may hold by now, and that would set the
// rest against it.
//
// # Leaving loses nothing
//
// A set that leaves in order (a handover, a shutdown, a failed check) stops
// announcing at once, says priority 0 and who is next, and goes on serving the
// traffic that still arrives until it has heard its successor's first advert,
// or until the time is over in which any VRRP peer would have sent one. A
// handover that nobody takes up is called off: the set claims, and is Active
// again.
//
// # Phases
//
// Between the states that people see, a set is in one of these phases:
//
//	resting   init    not started, in maintenance, or stopped
//	unfit     fault   a link is down, a check with a veto failed, the kernel refused
//	waiting   backup  another node is the holder, or will be found missing
//	claiming  backup  the addresses are being installed; others hear of the claim, and are waited for
//	                  and, when it is certain that nobody else holds, the steps are done
//	holding   active  the addresses answer, adverts are sent
//	demoting  active  nothing is announced any more, the steps are being undone
//	leaving   backup  what still arrives is served, until the successor was heard
//
// Events change facts; after each event settle moves the set, phase by phase, to
// where its facts want it. testdata/events.txt shows what every event does in
// every phase.
//
// The package is pure: no clock, no goroutine, no I/O. Events go into
// [Set.Step], actions come out, and the answer to an action that the kernel
// carries out (Install, Remove) comes back as a [Done] event.
package group
