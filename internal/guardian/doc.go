// Package guardian sees to what a daemon cannot see to: its own sudden death.
//
// The daemon has a child, the guardian: the same binary, a process and a
// session of its own, locked in memory and in the daemon's real-time class,
// which does nothing but wait. When the daemon is gone without a farewell
// (SIGKILL, a panic, out of memory), the kernel tells the guardian at once,
// and it does in this order:
//
//  1. close the gates, so that no address here answers any more;
//  2. say priority 0 for every virtual router that was advertised, so that
//     the peers need not wait for three intervals (RFC 9568 §6.4.2);
//  3. remove what the daemon added to the kernel;
//  4. start the daemon again, unless somebody else is there to do so.
//
// Where there is no gate, 3 comes before 2: nobody is invited to take an
// address over that still answers here.
//
// # What the guardian knows
//
// It reads no file and decides nothing. [Tap] stands between the engine and
// its wire and tells the guardian, before the first advert of a virtual router
// leaves, how to take it back: by which interface, from which address and MAC
// to whom, the bytes themselves, and the key where they are signed (over the
// socket that the two were born with, never by an argument, the environment or
// a file). When the router has said priority 0, or has fallen silent, it is
// forgotten. So the guardian speaks for those, and only those, whose adverts
// others still believe, whatever made the daemon send or stop them.
//
// # What it does not do
//
// A daemon that is stopped (SIGSTOP) or that hangs is not dead: the gate
// expires by itself then, and it does as well when the guardian dies with the
// daemon. A guardian that dies alone is replaced by the daemon ([Keeper]).
//
// [Record] and its codec, and [Voices], are pure; [Guard] is the process's
// loop, [Keeper] the daemon's side.
package guardian
