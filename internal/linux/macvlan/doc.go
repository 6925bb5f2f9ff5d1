// Package macvlan makes the interfaces that answer with a virtual router's own
// MAC address (RFC 9568 §7.3).
//
// Each is a macvlan on the interface of the group, called hf4-INDEX-VRID or
// hf6-INDEX-VRID after the index of that interface, and marked by its alias
// ("holdfast group NAME"), so that a later run knows it as ours.
//
// # Down while backup
//
// A backup must discard frames to the virtual MAC (RFC 9568 §6.4.2). While the
// macvlan is down the kernel does just that: nobody has that address.
//
// # Bridge mode
//
// When two nodes are active at once, the adverts of the other come from the
// very MAC that our macvlan has. In private and passthru mode the kernel hands
// a frame with the macvlan's own address as source to the macvlan and to
// nobody else, so the other node would never be heard and both would stay
// active. In bridge mode (and vepa) the interface below still gets it.
package macvlan
