// Package hold is the arithmetic of the promise that everything in holdfast
// keeps: a hold expires by itself, and at most one node announces an address.
//
// # The promise
//
// A node answers for its addresses until an instant, and the kernel's gate
// enforces that instant whatever becomes of the process. For VRRP the instant
// follows from what the peers do: a Backup becomes Active when it has heard no
// advert for its Active_Down_Interval, three intervals and a Skew_Time
// (RFC 9568 §6.1). It counts from when it received the last advert, which is
// not before that advert was sent. So a hold that ends three intervals after
// its last advert was sent is over before any Backup's patience is. [Term] is
// that time, less a margin for the clocks.
//
// # Extending
//
// A [Keeper] keeps the hold of one virtual router. Its caller reads the gate's
// clock, sends an advert, and reads the clock again:
//
//	before := gate.Now()
//	if !k.May(before) { ... }           // late: the hold is over
//	send(advert)
//	doors, ok := k.Spoke(before, gate.Now())
//
// The hold goes on until before + Term if it was still open after the advert
// was sent. The process may be stopped for any time between any two of these
// steps, and the promise is kept:
//
//   - before the first reading, or between it and the sending: the gate lets an
//     advert pass only while the hold is open, so a late one reaches nobody,
//     and the second reading tells that it was late;
//   - between the sending and the second reading: the hold may end although
//     the advert was in time. The address is silent for no good reason, and
//     nothing worse;
//   - after the second reading: the store comes late, but what it stores was
//     computed from the first one, when no peer had heard the advert yet.
//
// A hold that has ended is never extended. Its node becomes Backup, and opens
// a new one as any Backup does.
//
// # Opening
//
// Nothing forbids two Backups to lose patience in the same instant. So a node
// that opens a hold first says so, in an advert, and then listens for longer
// than an advert takes to arrive ([Listen]): of two, at least the one that
// spoke second hears the other before it opens, and waits until that one has
// said that it yields, or has been silent for so long that its hold is over.
// Package group does that. The door for those first adverts is
// [Doors.Advertised]; the step from there to an open hold follows the same
// rules as an extension.
package hold
