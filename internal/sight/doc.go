// Package sight keeps the BFD sessions of a node: one with each neighbour that
// anybody wants to be watched, shared by all who want it, at the rate of the
// most eager of them.
//
// The package is pure, as package bfd is: its caller hands packets and the
// time to a [Set] and carries out the actions that come back.
//
//	s := sight.New(rng)
//	acts, err = s.Want(now, group, path, wish, acts[:0])
//	for {
//		// carry out acts; sleep until s.Deadline() or a packet
//		acts = s.Received(now, &pkt, acts[:0]) // every packet there is, then
//		acts = s.Tick(now, acts[:0])
//	}
//
// # What to make of it
//
// An action that is [Action.Missed] says that the neighbour is silent: who waits
// for it to fall silent need not wait longer. With any other reason it is
// alive, or was switched off in order, and nothing follows for what it holds.
// Neither does anything when this machine stood still: the neighbour, not
// hearing us, may have ended the session and hold without it. Nor when it was
// heard otherwise since [Action.Heard]: it runs, and our session may be with a
// process that has ended.
//
// # What the neighbour makes of us
//
// As soon as we are not heard for [Set.Promise] after our last packet, the
// neighbour may do what the silence allows it. A claim of ours must be over by
// then: before each packet is sent it is cut to what the packets before allow,
// and after each it may be extended, never beyond what the other neighbours
// and VRRP allow. [Set.Limits] are those instants.
package sight
