// Package filter keeps addresses quiet, and closed, with nftables tables of
// our own.
//
// Quiet: the address stays on its interface and traffic to it is served, but
// no ARP reply and no neighbour advertisement for it leaves, and no ARP
// request or neighbour solicitation with it as the sender. Both directions
// matter: a host that is asked with the address as sender learns our MAC just
// as well as one that is answered. What is dropped is what the kernel sends;
// frames that holdfast writes itself (announcements) do not pass here.
//
// Closed (Accept_Mode false, RFC 9568 §6.1): packets to the address are
// dropped, neighbour discovery excepted.
//
// The addresses are elements of named sets, so one address goes quiet, or a
// thousand, in one transaction that either happens or does not. There is one
// table called holdfast per family, made for the first user and deleted after
// the last:
//
//	table arp holdfast: set quiet, output chain
//	table ip6 holdfast: sets quiet, quiet_link, closed, closed_link; output and input chain
//	table ip holdfast:  set closed, input chain
//
// Link-local addresses are unique on a link only, so theirs are sets of
// (interface index, address).
//
// The tables outlive a process that is killed, on purpose: an address that
// was quiet stays quiet until the next run has taken it off.
package filter
