// Package observe watches a LAN from outside for who answers for an address.
// It shares nothing with the daemons that it watches: all it knows is what
// passes the wire, and the kernel's clock.
//
// An [Observer] is a client that asks all nodes who has the address, without
// pause and from a raw socket, so that no cache of any kernel answers in a
// node's place. Its own addresses take turns as senders: an answer names the
// address that it is for, and so the question ([Slots] questions later the
// first address has its turn again). The observer notes what arrives at it.
//
// A [Tap] sits at the switch and sees which node got a question and which one
// sent the answer, by the port, which also tells two nodes apart that answer
// with the same virtual MAC. What else a node sends in the name of the address
// (gratuitous ARP, adverts, traffic) is noted too.
//
// All instants are the kernel's (SO_TIMESTAMPNS), taken where the frame
// passes, not where this process got to read it. A frame that was not read in
// time is counted, and such a recording is not to be trusted.
package observe
