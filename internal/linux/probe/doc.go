// Package probe checks on the running machine that a virtual MAC is kept: that
// no question and no answer of the kernel tells the network that the address
// is at the physical MAC.
//
// Settings alone do not prove that. The route to a neighbour usually leads
// through the interface below the macvlan, and with the kernel's defaults the
// ARP request for that neighbour leaves there, with the address as sender and
// the physical MAC beside it: whoever is asked learns the wrong MAC, and the
// next failover does not reach him. Other programs may change the settings at
// any time, too.
//
// So [Verify] provokes such a question, a datagram from the address to a
// neighbour that is not known, and looks at the frames that leave. Answers
// cannot be provoked from the machine itself without putting a foreign MAC on
// the wire, which port security may punish: for them [Settings] reads the
// settings as they are now, and Verify looks at the answers that happen to leave
// meanwhile.
package probe
