// Package hands changes the addresses of this machine: it is the engine.Hands
// of a kernel.
//
// # Order
//
// Every interface has one worker, a goroutine on an operating system thread of
// its own, started with the first order for that interface. Orders for one
// interface are carried out in the order in which they were submitted; orders
// for different interfaces at the same time. Submit puts an order into a queue
// without a bound and never blocks; [Hands.Backlog] tells how many wait.
//
// Orders of one kind that wait together travel together: when 255 groups fail
// over at once, their addresses go to the kernel in a few system calls.
//
// # What it does to the kernel
//
//	Prepare  a macvlan with the virtual MAC, down; settings; leftovers off;
//	         the addresses behind the gate
//	Install  the macvlan up, addresses on
//	Remove   addresses off, the macvlan down
//	Discard  all of it undone
//
// The list of an Install is whole: an address that the router had and that is
// not in the list goes. That is how a changed configuration arrives.
//
// # Whether a virtual MAC is kept
//
// With a virtual MAC the kernel must neither answer nor ask for an address with
// the physical one. Where that cannot work, Prepare falls back to the physical
// MAC and says why, or refuses if the virtual one was demanded. Where it works,
// a background goroutine for each interface looks on (package probe): a second
// after an address was put on, at the settings once a minute, at the wire every
// ten. What it finds is reported, and settings that somebody changed are raised
// again by the worker; no order ever waits for any of it.
//
// # What is left by a run that was killed
//
// Everything that holdfast makes in the kernel is marked as its own, see the
// packages address, macvlan, filter and sysctl. [Sweep] removes all of it; a
// daemon calls it before its first order, and a service manager through
// `holdfast release` after the daemon ended.
package hands
