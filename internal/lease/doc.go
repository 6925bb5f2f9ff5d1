// Package lease keeps a group from having two holders by means of a store that
// several nodes share (etcd): a node holds for as long as a record in it says
// so, and every hold ends by itself.
//
// The store needs to do no more than any coordination service does: read a
// record, replace it if it is still the one that was read, and tell of
// changes. See [Query]. It has no timers of ours, no sessions and no locks:
// those of a store end by the store's clock, when it gets to it, and nobody
// tells a holder that stands still.
//
// # The record
//
// One small value a group: who holds, for which term, and two numbers that
// only grow. The renewal grows with everything that a holder writes, so that a
// renewal can be told from the one before. The epoch grows with every hold
// that begins: it is the fencing token for whatever the group does outside.
//
// # Why two holds never meet
//
// No clocks are compared. A holder reads its clock, then asks for its renewal;
// a challenger is told of the renewal, then reads its clock:
//
//	holder      sent ──────────────── counted ──▏ its hold ends here
//	store            takes effect
//	challenger            observed ──────────────────── term ──▏ it claims from here on
//
// Sending comes before taking effect, and that comes before being observed, so
// the hold ends before the challenger's patience does, as long as clocks run at
// rates that differ by less than what is not counted: a tenth of the term.
// What is left to show is that the renewal that the challenger has observed is
// the holder's last. Its claim replaces the record if it is still the one that
// it waited on: then no later renewal has taken effect, and none can any more,
// for each replaces a record that the claim has replaced. So
//
//   - it does not matter how old anything is that a challenger is told: if it
//     is not what the store has, the claim fails, and the answer tells what is;
//   - it does not matter how late an answer is, or that it is lost, or whether
//     a question was carried out twice. A hold is counted from when the
//     question was asked, and only once it is certain that it took effect: the
//     answer says so, or the record itself, found later with this writing's
//     number;
//   - a process may stand still for any time between any two of these steps.
//     Before asking: the hold is counted from an instant before. Before an
//     answer is heard: the hold may have ended, and then it is not extended
//     (package hold, and the kernel's gate that enforces it). Before a claim
//     is sent: it fails if anything has happened since.
//
// # What ends a hold sooner
//
// A node gives its lease back by writing that nobody holds. Its gate is closed
// before that is written, and whatever it wrote before extends nothing any
// more, also if it takes effect late or is answered late: a tenure ends with a
// wish, a hold, and everything that is given back, and what was written in one
// tenure counts in no other. A term that is made shorter ends the hold sooner
// from when it is made so, not from when the others hear of it.
//
// # What is not believed
//
// A record that is not there, or is older than one that was seen, is no
// proof that nobody holds: somebody has deleted it, or has brought a backup
// back. A node then waits for a term as if it had seen a renewal. "Not there"
// is no revision, either: it may be true twice, with a hold in between. So
// the first thing that is written where nothing was is a record that nobody
// holds ([Record.Anew]), over which all wait alike. A holder whose record is
// gone writes it again and goes on.
//
// Two things are left to people. Terms of one lease should be the same on all
// nodes: what the term of a record was that is gone, nobody knows. And a
// backup of the store must not be brought back under running holders in less
// than a term; where the store has to be stopped for that, all holds have ended
// by then.
//
// # A store that is slow
//
// A holder renews four times in a term, and does not wait for an answer to
// ask again: each renewal replaces the record that the one before has written,
// named by what it is ([Condition.After]). So a store may take up to six
// tenths of a term for each answer, for ever, and nothing moves. More than four
// are never on their way. A node for which the store is slower than that gives
// back what it claims, and stays away for a while, so that others get the
// lease that can keep it.
//
// # Who wins
//
// Where nobody holds, nodes wait a little before they claim, the longer the
// lower their priority; where a successor is named it claims at once, and the
// others only when a term has passed. A node with a higher priority than the
// holder's does not claim. It asks ([Ask]), in the record, once it has been fit
// for long enough and where the time of day allows it; the holder hands over
// as if an operator had named that node. Nobody asks a holder that an operator
// chose. A node on which the group has failed too often is barred for a time,
// and one that could not keep its hold asks nobody for a while.
//
// # Using it
//
// A [Candidate] is what a node needs for one lease. The owner of the loop calls
// [Candidate.Step] with a clock that it read after the event was there (for
// what a challenger observes) and before it does what the actions say (for
// what a holder sends): [Want] once the group is fit, [Release] or its like
// when its gate is closed, [Answered] and [Changed] with what the store says,
// [Tick] at [Candidate.Deadline]. It lets no hold last beyond the last
// [ActionHold].
//
// The clock goes on while the machine sleeps (CLOCK_BOOTTIME): it is that of
// the gate.
package lease
