// Package demo is the body of `holdfast demo`: three nodes and a client on
// one machine, and what the client notices while nodes are handed over from,
// killed, frozen, unplugged and shut down.
//
// Nothing in it is simulated. The nodes are network namespaces (package lab),
// each runs this very executable as `holdfast run` with a file of ten lines,
// and the client's probes cross a bridge as real packets. What the screen
// says about holders is what the daemons say on their control sockets; what
// it says about outages is what the client counted.
//
// Run starts the executable once more and only watches over it (supervise.go).
// The copy builds the lab: as root where the user is root, else in a user
// namespace of its own. Whatever becomes of the copy, its daemons die with
// it, its namespaces end with the last process in them, and the parent
// removes the one directory that was made.
//
// Everything that is measured goes into a [Result], and everything that is
// shown is drawn from one, so that the pictures are tested without a lab.
package demo
