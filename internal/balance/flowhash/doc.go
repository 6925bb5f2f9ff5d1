// Package flowhash is the keyed hash by which a flow, or a client, gets its
// slot in a table of a service (balance.Plan).
//
// Every plane and every node must come to the same number: the program in the
// kernel, the proxy, the model in tests, and the command that explains where a
// flow would go. So the bytes that are hashed are fixed here.
//
// # The function
//
// SipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012,
// with c=1 and d=3) with a result of 64 bits. It is keyed, since whoever knows
// the hash of a table can aim all of its flows at one backend; and it is no
// stronger than it needs to be, since it is paid for each new flow and nobody
// sees its result. The key is the 16 bytes of balance.Plan.Seed, as SipHash
// reads them: k0 is the first eight, little-endian, k1 the others.
//
// # The bytes
//
// An IPv4 address is written as the 16 bytes of its IPv4-mapped IPv6 address
// (::ffff:192.0.2.1, RFC 4291 §2.5.5.2), so both families have one layout.
//
// A flow is 37 bytes, all in the order of the wire:
//
//	 0 … 15  source address
//	16 … 31  destination address (the service's, before it is rewritten)
//	32 … 33  source port
//	34 … 35  destination port
//	36       protocol (6 TCP, 17 UDP)
//
// A source is 16 bytes: the source address with the bits after the prefix
// cleared. A prefix counts the bits of the address itself: 24 bits of an IPv4
// address are 120 of the mapped one.
//
// The two have different lengths, which SipHash hashes too, so a flow never
// has the hash of a source by its layout alone. As SipHash reads words of
// eight bytes, the last word of a flow is
//
//	source port | destination port << 16 | protocol << 32 | 37 << 56
//
// with the ports as they lie in the packet, read by a little-endian machine;
// that of a source is 16 << 56.
//
// # The slot
//
// [Slot] takes the upper 32 bits: slot = (hash >> 32) × slots >> 32. It needs no
// division and favours no slot by more than one part in four thousand million
// over the number of slots. The lower 32 bits are not used for it, and are as
// good as independent: a second choice for the same flow (the port from which
// full NAT starts to look) takes those.
package flowhash
