// Package tickle tells clients that the connections which they had with the
// holder before are dead.
//
// An address that moves takes no TCP connection with it. A client that sends
// finds out soon, for the new holder's kernel knows nothing of the connection
// and resets it. But a client that waits for an answer sends nothing: it waits
// until its keepalive begins, two hours with Linux' defaults, or for ever.
//
// So a holder lists the connections of its addresses several times a second and
// shares the list with the other nodes. A new holder then sends a bare ACK for
// each of them, with numbers that cannot be right. RFC 9293 §3.10.7.4 has the
// client answer that with an ACK that has the right ones; and whoever knows the
// right ones can reset the connection (RFC 5961 §3.2). The new holder's kernel
// does so by itself, as the answer is for no connection of its own. So does
// this package, which sees the answers before a firewall drops them: to
// connection tracking they belong to nothing.
//
// A node that held and does not any more ends its own halves of the
// connections, when another node says that it holds: the service would keep
// them for as long as the clients would have. It asks, for its network may have
// been cut when the other one took over.
//
//	m := tickle.New(tickle.Config{Node: "lb1", Seed: 1})
//	acts := m.Configure(now, []tickle.Address{{Addr: vip, Group: "web", Interface: "eth0"}}, nil)
//	acts = m.Step(now, tickle.Held(vip), acts)
//
// The [Machine] is pure. Package run gives it a clock and a kernel.
//
// # On the wire
//
// A list goes out in buckets. Each datagram has the whole of one bucket, so it
// says the same however often it arrives: what is lost is mended by the next
// one, and no receiver has to ask. A bucket goes out when its content changed,
// and every bucket every few seconds. All integers are big-endian.
//
//	 0  4  magic "HFC1"
//	 4  1  family: 4 or 6
//	 5  1  key id (signed), else 0
//	 6  1  length of the sender's name, 1..63
//	 7  1  0
//	 8  8  UTC nanoseconds since 1970: order and freshness
//	16  8  the same of when the list was begun: a list is divided in one way
//	24  2  number of buckets, 1..4096; 0: this asks who holds
//	26  2  this bucket, from 0
//	28  2  number of connections in it
//	30  2  0
//	32  4  connections that the whole list leaves out for want of room
//	36  4  or 16: the address
//	.. ..  sender's name
//	.. ..  connections: local port, the client's port, and its address
//	.. 32  HMAC-SHA256 of all before it (signed)
//
// Who can forge a list can make the next holder send some small packets to
// hosts of its choice, once, when it takes over; or keep clients from being
// reset. Groups with a key sign their lists.
package tickle
