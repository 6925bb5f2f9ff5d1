// Package peer is what holdfast nodes say to each other besides adverts.
//
// VRRP tells a backup who is active, and an active nothing about its backups.
// Two things need more than that: an operator who wants to see all nodes of a
// group, and a handover to a node by name. So every node sends
//
//   - a [Hello] every second or so (with what wakes the sender anyway) and
//     after changes: its name, and for each of its virtual routers there the
//     state and the priority. One message serves all groups of an interface
//     and family. It informs people, and a leaving node about who is next. No
//     election depends on it, so it is not signed: if the next is a lie, the
//     others wait their Skew_Time as ever.
//   - a [Take] when it leaves: which node is to take over at once, without
//     waiting its Skew_Time; and where an operator chose that node, so for all
//     others not to preempt it. It is signed with the key of the
//     group's auth where there is one. Where there is none it is worth as much
//     as a priority 0, which anybody on the LAN can forge as well.
//
// Messages are UDP to the group that adverts go to, or to each unicast peer,
// with a TTL of 255 that receivers demand (RFC 5082). They are a convenience:
// without them (another vendor's peer, a firewall) VRRP works as ever, only
// names are unknown and a successor waits its Skew_Time.
//
// # On the wire
//
// All integers are big-endian.
//
//	 0  4  magic "HFP1"
//	 4  1  kind: 1 hello, 2 take (chosen by an operator), 3 take (the next in line)
//	 5  1  family: 4 or 6
//	 6  1  VRID (take), 0 (hello)
//	 7  1  key id (signed take), else 0
//	 8  8  UTC nanoseconds since 1970: order and freshness
//	16  1  length of the sender's name, 1..63
//	17  1  length of the successor's name, 0..63 (take), 0 (hello)
//	18  2  number of entries (hello), 0 (take)
//	20 ..  sender's name, successor's name
//	.. 3n  entries: VRID, state (0 init, 1 backup, 2 active, 3 fault), priority
//	.. 32  HMAC-SHA256 of all before it (signed take)
package peer
