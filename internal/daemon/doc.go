// Package daemon is the composition root of "holdfast run": it puts the
// kernel's doors (internal/linux), the engine, the journal, the hooks and the
// control interface together, and answers for them as one (it is the
// api.Daemon).
//
// Order of things at start: the file is read and checked; then the journal
// and the control socket open, so that what follows can be seen; then the
// kernel's doors; then the engine gets its configuration. At the end the same
// backwards: every group leaves in order before a door closes.
//
// # Upgrade
//
// A daemon that is upgraded ends in another way (upgrade.go, successor.go). It
// starts the program anew with a socket between the two (will.go), and the new
// process (inherit.go) opens what two can have open at a time: its sockets, and
// the gate, whose files it inherits. When that one is ready, the engine hands
// its estate on in a moment in which nothing moves. The rules that keep two
// from holding are these:
//
//   - the new process does nothing that others see before it has said that it
//     takes over, and the old one nothing after it has given everything away;
//   - the old one goes on only if the new one is dead and never said so;
//   - the guardian is told before. If the old process dies from then on, it
//     looks whether the new one lives before it does anything;
//   - what there can be only one of (hands, journal, control socket) the new
//     process gets once the old one has let go, and holds what it holds without.
package daemon
