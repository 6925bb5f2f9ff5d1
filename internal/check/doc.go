// Package check decides from what probes saw whether a check is up or down.
//
// A check is one question about this node or about what it can reach: does
// the web server answer, is the route there, has the file the right number in
// it. It is a [Kind], which says what is looked at, and [Settings], which say
// how often, for how long and how many answers in a row count. The two
// together, with a name, are a [Spec].
//
//	Kind ──▶ Probe.Try ──▶ Seen ──▶ Machine.Step ──▶ Change ──▶ group: veto or weight
//	         (one look)    (words)   (pure)
//
// The parts live in folders of their own:
//
//   - this package is pure: the kinds as plain values, what a probe saw, and
//     the [Machine] that counts rises and falls. No clock, no goroutine, no
//     I/O; the file is read by package config into these values;
//   - check/probe and check/local look: over the network, and at this
//     machine;
//   - check/run asks them in time, never more often than it should, and tells
//     the engine what changed.
//
// # Up and down
//
// A check is Pending until its first result, unless its settings say what to
// assume. The first result of a pending check counts at once: nobody waits
// for three failures of something that was never seen to work. After that
// Fall failures in a row make it down and Rise passes in a row make it up;
// between the first odd result and the decision the fast interval is used.
//
// A check that changes too often is damped ([Flap]): it stays down until it
// has passed for a while without a break.
package check
