// Package balance decides which backend gets a new flow of a service, and what
// becomes of the flows of a backend that drains, fails or is removed.
//
// # The parts
//
// A [Service] is what a user wrote: where clients connect, how one of the
// backends is chosen, how packets get there. A [Pool] is the machine of one
// service (pure, as everything that decides: Step(now, event) → actions). It
// knows which backends are up, draining, down or removed, their weights as
// they are now (an operator may change them; one that comes up starts slowly),
// and whether so many are down that all of them are used after all. Whenever
// any of this changes it gives a new [Plan].
//
// A Plan is the whole truth about one service at an instant, as plain values
// that nobody changes any more: the backends that flows may belong to, and
// over which of them new flows are spread. A data plane makes it so. There are
// two: balance/bpf in the kernel, and balance/proxy in this process, and both
// have the one interface [Plane]. A plane is given wholes, never differences:
// what it finds in the kernel from an earlier run is brought to the plan in
// the same way as a change of it.
//
// # Tables
//
// Go computes tables, planes index them: a [Plan] has a Table of places in its
// list of backends, and how to get from a flow to a slot of it ([Select]).
// Weights, slow start, backups and panic are in the table, so no plane knows
// of them. Tables of nodes that agree on backends, weights and the cluster's
// seed are the same byte for byte ([Plan.Digest]). [Plan.Pick] is the choice
// itself, in Go: the model that planes are tested against, and what explains
// where a flow would go.
package balance
