// Package peer is what holdfast nodes say to each other besides adverts.
//
// VRRP tells a backup who is active, and an active nothing about its backups.
// Some things need more than that: an operator who wants to see all nodes of a
// group, a handover to a node by name, and a preemption in which the two never
// answer both. So every node sends
//
//   - a [Hello] every second or so (with what wakes the sender anyway) and
//     after changes: its name, and for each of its virtual routers there the
//     state and the priority. One message serves all groups of an interface
//     and family. It informs people, and a leaving node about who is next. No
//     election depends on it, so it is not signed: if the next is a lie, the
//     others wait their Skew_Time as ever.
//   - a [Call] about one virtual router. A node that leaves names who is to
//     take over at once, without waiting its Skew_Time (take, if an operator
//     chose that node, and nobody is to preempt it; next, if it is simply the
//     best). A node that would preempt the holder asks it to hand over (ask).
//     And a node that has let go, or gives up a claim, says so (yield), as the
//     better one waits for that. Calls are signed with the key of the group's
//     auth where there is one. Where there is none they are worth as much as a
//     priority 0, which anybody on the LAN can forge as well.
//
// Messages are UDP to the group that adverts go to, or to each unicast peer,
// with a TTL of 255 that receivers demand (RFC 5082). Without them (another
// vendor's peer, a firewall) VRRP works as ever, only names are unknown, a
// successor waits its Skew_Time, and preemption is by force.
//
// # On the wire
//
// All integers are big-endian.
//
//	 0  4  magic "HFP1"
//	 4  1  kind: 1 hello, 2 take, 3 next, 4 ask, 5 yield
//	 5  1  family: 4 or 6
//	 6  1  VRID (call), flags (hello): 1 the sender has just started
//	 7  1  key id (signed call), else 0
//	 8  8  UTC nanoseconds since 1970: order and freshness
//	16  1  length of the sender's name, 1..63
//	17  1  length of the successor's name, 0..63 (take, next), else 0
//	18  2  number of entries (hello), the sender's priority (ask), else 0
//	20 ..  sender's name, successor's name
//	.. 3n  entries: VRID, state (0 init, 1 backup, 2 active, 3 fault), priority
//	.. ..  the nodes that the sender hears: their number, and for each the
//	       length of its name and the name (hello)
//	..  4  fingerprint of the virtual routers that move together (call)
//	.. 32  HMAC-SHA256 of all before it (signed call)
package peer
