// Package mirror is how the nodes of a group have the same flows, so that
// connections survive the move of their address.
//
// Every node tells every other one what becomes of its flows: as they are
// established, within milliseconds, and as they end. The holder of an address
// also tells all of the flows there are: when a node connects, when something
// may have been lost, and every now and then, since what is told again mends
// whatever was wrong, and lets idle flows live on the other nodes. And it tells
// its view of the backends ([balance.View]), so that all nodes make the same
// tables.
//
//	m := mirror.New("lb1")
//	acts := m.Step(now, mirror.Configured{Services: services, Peers: peers}, nil)
//	acts = m.Step(now, mirror.Held{Addr: vip, Held: true}, acts)
//
// The [Machine] is pure. Package run gives it a clock, a plane and TCP.
//
// # What is told
//
// Of services with nat or full-nat, and of those whose scheduler goes by turns
// or counts, all flows. Where a table of hashes chooses and backends answer the
// clients themselves (maglev or source-hash, with dsr or tunnel), a follower
// knows from its table where a flow belongs; only those are told that the table
// would send elsewhere. That is none, until the table changes: then those that
// it leaves behind. (With nat and full-nat the way back has to be known, too:
// the backend's packets say nothing of the table.)
//
// # What comes after what
//
// A walk of a million flows takes a second, and flows end meanwhile. The walk
// may have read a flow that the follower has heard the end of before it hears
// of it from the walk; it would stay for hours. So whatever changes during a
// walk is told at once, and its last state again after the walk, before its end
// is. News do not wait for a walk, and the walk waits for the follower.
//
// At the end of a walk the follower takes away what was neither in the walk nor
// in the news since it began. So as not to look at all flows while news wait, it
// looks what is there when the walk begins; where all of that was named, nothing is
// left to take away. Only a holder's walk does that, and only where the
// follower does not hold itself. A node that begins to hold waits some seconds
// before it walks: packets are still on their way to the other one, which tells
// what becomes of them.
//
// What came from another node is not told on: each tells its own. A node that is
// too slow is not waited for: when too much is waiting for it, that is dropped,
// and it is told all once more.
//
// What could not be put there is asked for again: the file of that node may not
// have a service or a backend yet.
//
// # In sync
//
// A node has everything of a group when it holds its addresses, or when the
// holder is connected, has told all, and all of it was done. That is what a
// node waits for before it takes the addresses back.
//
// # What nobody knows
//
// Flows that a holder which failed has not told are known to nobody. A new holder
// must not say so while they may come yet, and should as soon as they cannot: see
// settle.go.
//
// # On the wire
//
// Each node calls each other one by TCP, so there are two connections between
// two nodes, and flows go one way on each. Nodes have one pair of connections
// for each key that their groups are signed with. All integers are big-endian.
//
// The caller's greeting, and the answerer's:
//
//	 0  4  magic "HFF1"
//	 4  1  length of the node's name, 1..63
//	 5  8  print of the key: the begin of a hash; 0: there is none
//	13 16  a nonce
//	29 ..  name
//	.. 32  proof of the key (answerer; the caller sends its own afterwards)
//
// A proof is an HMAC-SHA256 of both greetings, with a key that is derived from
// the group's for this side and purpose. So are the keys of the frames that
// follow: what is recorded on one connection is worth nothing on another.
//
//	 0  4  length of the body
//	 4  8  number of the frame, from 1
//	12  1  kind
//	13 ..  body
//	.. 16  HMAC-SHA256 of all before it, the first half (signed)
//
// Kinds, all but the last two of the caller:
//
//	1  holds    endpoints that it holds the address of
//	2  view     endpoint, view as JSON
//	3  changes  runs of flows that have changed
//	4  begin    number of a walk (4), endpoints: all of their flows follow
//	5  flows    runs of flows
//	6  end      number of the walk (4), how many flows it had (8)
//	7  pulse    nanoseconds that news were late lately, of 99 in a hundred (8), the
//	            ports of full NAT that are the caller's (2, 2), 1: they stay so (1)
//	8  ack      number of the last frame that is done (8), flows that could not be put (8)
//	9  ask      endpoints: all of their flows are to be told again
//
// An endpoint is a family (4 or 6), a protocol, an address and a port. A run is
// an endpoint, a number of flows (2), and the flows; a flow is
//
//	0  1  flags: 1 gone, 2 a source follows, 4 the source is the client, 8 the client
//	      is of IPv6, 16 the backend, 32 the source
//	1  1  what is known of its end
//	2  4  milliseconds that it was idle
//	6 ..  the client's address and port, the backend's, and the source's
//
// which is 24 bytes for IPv4 with full NAT. Either side gives a connection up
// on which it has heard nothing for five seconds.
//
// Flows are signed and not encrypted. Without a key anybody on the network of
// the group who can have a peer's address could tell flows, as it could take the
// group's addresses with an advert: nodes hear only the addresses of their
// peers, and demand a TTL of 255 (RFC 5082).
package mirror
