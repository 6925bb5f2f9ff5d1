// Package order takes and leaves what a group needs beside its addresses, as a
// transaction: a database is promoted before the address answers, and demoted
// before the address may answer elsewhere.
//
// # The transaction
//
// A [Plan] is a list of steps. Taking runs them in order, each to its end, and
// then waits until the plan's ready checks pass. Where a step fails or is late,
// or a check does not pass in time, every step that was begun is undone, the
// last one first, and the take has failed. Leaving undoes them all in the same
// order.
//
// A step that failed half-way counts as begun: nobody knows how far it came. So
// what undoes a step must be able to undo one that did nothing, and to do so
// twice, as "systemctl stop" and the stop of an OCF agent do.
//
// Steps stand on those before them: a file system is not unmounted while the
// database on it could not be stopped. Where a step cannot be undone, those
// before it stay as they are, except the ones that nothing stands on
// ([Step.Alone]): an address, a route. The transaction is stuck then. It says
// so once ([Stuck]), so that its caller lets the hold lapse instead of giving it
// back; it tries again by itself, and says [Left] when all is undone at last.
//
// # What never happens
//
//   - Two steps of a machine at the same time. A step that is late, or that
//     is not wanted any more, is killed, and nothing else runs before it has
//     ended.
//   - A step that is begun and forgotten. What is begun is in the [Book], and
//     the book is on disk before the step begins ([ActionSave], [Saved]). A
//     daemon that was killed in the middle begins with the book that it finds,
//     and with a [Leave]. The book holds whole steps, so a file that has changed
//     since does not matter.
//   - Two takes with the same epoch. The epoch of a take is greater than that
//     of every take before it on this node, also across restarts; where the
//     caller gives one (a lease's revision, say), across nodes too. It is a
//     fencing token: a storage that remembers the greatest one it has seen can
//     refuse what comes from an earlier holder.
//
// # Contract
//
// [Machine.Step] is pure: events in, actions out, no clock and no I/O. The
// caller carries the actions out in their order, and answers every ActionRun
// with one [StepDone], also after an ActionKill, and every ActionSave with one
// [Saved]. It calls Step with a [Tick] when [Machine.Deadline] has come.
//
//	m := order.New("web", plan, book)
//	acts = m.Step(now, order.Take("lb2 is not heard any more", revision), acts[:0])
//	// ActionSave → Saved → ActionRun → StepDone → … → ActionFinished{Took}
//
// Every Take is answered by one ActionFinished: Took, Failed or Stuck, unless a
// Leave comes before it, which is answered instead: Left or Stuck.
package order
