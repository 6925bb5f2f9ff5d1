// Package bpf is the data plane in the kernel: an eBPF program on the ingress of
// every interface that clients or backends are behind. It makes plans of
// [balance] true without a process being alive: programs, tables and flows stay
// when this one ends, however it ends, and the next one brings them to its
// plans ([Open], [Plane.Apply]).
//
//	p, err := bpf.Open(bpf.Config{Dir: "/sys/fs/bpf", Interfaces: []string{"eth0"}})
//	…
//	err = p.Apply(plans)
//	go p.Run(ctx)
//
// # Rules
//
// Most packets of a machine may have nothing to do with services. Those of TCP
// and UDP neither for nor from an address that a plan names pass after one look
// at a small table of addresses (known.h), which costs a few nanoseconds.
//
// What arrives on an interface, by the first line that fits:
//
//	not IP, for another machine, of a VLAN               passes
//	ICMP error about a packet of a flow                  goes to who sent that packet
//	no TCP or UDP, more than 6 extension headers         passes
//	a later fragment, the first of which was not ours    passes
//	to an address, port and protocol of a service        forwarded or dropped, never passes
//	from a backend, of a flow that is translated         forwarded to the client
//	to an address and port that full NAT sends from      dropped
//	all else                                             passes
//
// A packet for a service:
//
//	of a flow whose backend is up or drains              goes there
//	… is down or removed                                 by the service's policy: goes there, is
//	                                                     as of a new flow, or both ends are told
//	                                                     that it is over (TCP)
//	… is down or removed, or drains and has not answered
//	yet, or that has ended, and it is a SYN              is as of a new flow
//	SYN, or UDP, of no flow                              a new flow
//	TCP in the middle, of no flow, table of hashes       a new flow: the table knows whose it was
//	                                                     (not with full NAT: it does not know the port)
//	… table of turns, and no node tells of more flows    dropped, and its sender is told so
//	any other                                            dropped
//
// How it goes there, by the service:
//
//	nat        destination (and of answers the source) rewritten, TTL one less
//	full-nat   source too
//	dsr        as it came, in a frame for the backend
//	tunnel     in a packet for the backend: IP in IP, or in UDP 6080 (GUE, variant 1)
//
// What is too big for the way of its backend is answered in the name of the
// service (fragmentation needed, packet too big); where it may be fragmented
// and is translated, the kernel does so and routes it. A backend behind a tunnel
// takes packets out again with [Unwrapping].
//
// # RST
//
// A connection that is over ends at once: a packet of it becomes a RST to its
// sender, and one to the other end (ended), in either direction, so that a client
// connects again. So it is where the policy is balance.Reset, and where it is
// balance.Rehash and no table says where a packet in the middle of a connection
// would go. Who says nothing is told nothing: the numbers that make a RST a good
// one are those of a packet. Where nobody is there to serve, a SYN is answered by
// a RST (refused). Where it was said that all flows are here which any node has
// ([Plane.Settle]), so is what comes in the middle of one that is not (unknown), up to
// 4096 times a second for each vip. All else that is dropped is dropped in silence, for
// a node that takes over may not know all flows yet. No RST is larger than what it answers, and
// nothing answers a RST or a fragment.
//
// # ICMP
//
// Errors (unreachable, too big, time exceeded, parameter problem) quote the packet
// that they are about, and go to who sent it:
//
//	about what a service sent to a client   to the backend of that flow; where it is
//	                                        not known, as the table of hashes says (nat,
//	                                        dsr, tunnel), else dropped
//	about what was sent to a backend        to the client, in the service's name
//	of a packet smaller than any link       dropped (absurd): less than 576 bytes of
//	has them                                IPv4, than 1280 of IPv6
//
// With nat and full-nat the quote is rewritten too, so that the receiver finds in
// it what it sent. What comes to a backend behind full NAT comes from the address
// that it knows.
//
// About a packet in a tunnel errors come to this node. Where one quotes enough to
// show that it is about a packet of a flow of ours, what it says about sizes counts
// for that backend for 10 minutes, and clients are told in their turn. IPv6 in a
// tunnel needs a way for 1280 bytes and what the tunnel adds. All other errors about
// tunnels pass to the host.
//
// An echo request to a service's address passes, and the host answers it.
//
// Packets pass to whoever comes after us on the interface. The gate comes before
// us: what it drops is not balanced. Packets that are forwarded meet neither
// netfilter nor tcpdump: hence the lists of sources, limits and counters of this
// package. They go where the kernel's routing table says, so forwarding must be
// switched on (net.ipv4.conf.*.forwarding), and Apply says where it is not. What it
// has said of a pair of addresses is believed until its clock ticks next (hops.h):
// packets come in trains, and to ask for each is a fifth of what a packet costs.
//
// # Hooks
//
// One source is built twice: for tc, where every interface has a hook, and for
// XDP in the driver, which is for many small packets: it spares the kernel the
// making of a packet, and has no use for large ones (TSO and GRO). Both share all
// maps, so an interface may have the one and another interface the other. The
// program of tc is there in any case. XDP does what is usual, and hands on to it,
// as it came, what is not:
//
//	ICMP, fragments, frames in several buffers (jumbo), TTL 1
//	what is too big, or has no route or no known neighbour
//	what would leave by an interface that takes no frames from XDP
//	what has to be answered with a RST
//	what the gate would not let pass, in or out
//
// XDP runs before the gate, so it asks itself: it reads the same maps
// (Config.Gate) and forwards for an address only while that is held. What it
// hands on meets the gate. Without a gate in eBPF there is no XDP.
//
// [Auto] takes XDP where the driver is one that is known to be good and all other
// interfaces' are, and never on a veth or any other device of software, whose
// frames may have unfinished checksums. [Plane.Hooks] says what is in use and
// why. Generic XDP is never used. Needs Linux 5.18.
//
// # Flows
//
// A flow that is translated is two entries, one for each direction: a key (who
// speaks with whom) and what it becomes. A new one is in a small table, in which
// the oldest make room. It moves to the big one when the client shows that it
// hears us: with a packet of TCP that neither begins nor resets, with one of UDP
// after the backend has answered (where answers do not come by, with the second
// one). So no flood of new flows pushes out an established one, or takes its
// room: neither SYNs, nor those whom forged ones have reset, nor questions of UDP
// that are answered once. These move with the answer where a choice or a limit goes
// by how many flows there are. When the big table is full, flows stay in the small
// one.
//
// A RST ends a flow until an end goes on with it: who did not believe it. A RST
// that somebody has made up has no connection forgotten.
//
// The entry for the backend's packets is made first, and only where there is
// none, so no two flows ever have the same. Full NAT goes through its ports in
// turn, for each backend, so that one comes again as late as can be: the backend
// may still remember the connection that had it (TIME_WAIT). Where somebody has
// it, or a service listens there, 15 others are tried that the hash of the flow says; so it is with NAT where
// a client uses one port for two services that share a backend. Of the last 8 it also takes one that a flow
// has which both ends have closed. Then the flow is refused (exhausted).
//
// [Plane.Sweep] removes what has timed out, by the state of the flow. A flow names
// its backend by a slot and the number that the slot had then: it never belongs
// to another backend that has the slot later.
//
// # Who looks
//
// [Plane.Trace] tells of packets with what became of them, as they came and as
// they left. The program looks once whether anybody wants it, which is less than
// a nanosecond; while somebody does, a packet of a service takes about 140 ns
// longer (x86-64, 128 bytes of it told), and what is not told for lack of room is
// counted. It is renewed each second and ends by itself after three. [Plane.Find]
// tells of one flow, and [Plane.Room] how full the tables are.
//
// # Other nodes
//
// Plane is a [balance.Mirror]: the program tells what becomes of flows while
// somebody reads it ([Plane.Watch]), when one is established, when it is closed,
// when a packet ends it; a sweep tells of those that it forgets, and again of
// those that live, four times in their timeout. One whose backend has answered
// and whose client has not yet is told as half open, as long as there are not
// too many of them. What another node tells is put there by the program, too
// ([Plane.Install]): it decides by when a flow was seen last, never takes a way
// back that another flow has, and notes that it has seen nothing of the flow
// itself. Such flows are kept a quarter longer than the holder keeps them, and
// are not told back before a packet of theirs was seen here.
//
// # What stays
//
// Maps and links are pinned in a folder of the BPF file system, by the layout of
// the maps. A program is replaced in place, so no packet meets none. A backend
// keeps its flows over a restart by its address, a service by where it listens.
//
// So what a process that was killed has left would forward for as long as anybody
// sends to this machine, and nobody would tell other nodes of its flows: the gate
// has to stay before it, or [Unhook] takes it off the interfaces. What it knows
// stays then, too.
package bpf
