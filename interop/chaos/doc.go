// Package chaos breaks things under real daemons and lets an observer from
// outside judge.
//
// A [Plan] is made from a seed and nothing else: how two or three nodes are
// configured (a [Mode]) and which faults hit which of them when. [Run] builds
// the LAN out of network namespaces, starts the real binaries, makes the
// faults happen, mends everything, and returns a [Verdict]:
//
//   - for how long two nodes answered for the address at the same time. How
//     this is measured, and why it can neither hide an overlap that lasts
//     longer than the time between two questions nor invent one, is told in
//     package measure; who watches, in package observe.
//   - for how long a client with open traffic got no answer, and how much of
//     it the protocol's timers do not allow (see allowed).
//   - what was left on the hosts after the end: processes, addresses,
//     interfaces, nftables, filters and programs, settings.
//   - which transitions in the journals have no reason.
//   - whether the holds of a lease, as the journals of all nodes have them, were
//     one after the other in the order of their epochs (see disorder).
//   - whether there was exactly one holder in the end.
//
// The same plans run with keepalived in holdfast's place.
//
//	go test ./interop/chaos -run Seeds -seed 42        one seed again
//	go test ./interop/chaos -run Seeds -seed 42 -without 1,3
//	make chaos SEEDS=200
//	make chaos-table                                    docs/chaos.md
//	go test ./interop/chaos -run Leases -leases 60      groups with a lease
//	make chaos-leases SEEDS=60                          their part of docs/chaos.md
//
// Some plans use BFD, have guardians start the daemons again, upgrade the nodes
// one after the other, or break the witness: see further, which leaves a seed's
// plan as it was but for that.
//
// A lease is tried with its store: members are killed, stand still and are cut off,
// nodes and store fall apart in every way (split), disks fill up or become slow,
// and a node that has lost its data has its member replaced, or removed and added
// again, while it is down and whatever else goes wrong (loseMember).
//
// What is not broken: the wall clock, which belongs to the whole machine (see
// cluster.under for what is done instead), and the kernel itself.
package chaos
