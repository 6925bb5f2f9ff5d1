// SPDX-License-Identifier: Apache-2.0 OR MIT OR GPL-2.0-only
//
// What Go and the programs share. Layouts are part of the contract between
// versions of holdfast: see LAYOUT in balance.c.

#pragma once

#include "hook.h"

#define SERVICES 1024
#define TARGETS 8192
#define VIPS 4096

// addr is an address: IPv4 as ::ffff:a.b.c.d.
struct addr {
	__be32 w[4];
};

always int same_addr(const struct addr *a, const struct addr *b)
{
	return a->w[3] == b->w[3] && a->w[2] == b->w[2] && a->w[1] == b->w[1] && a->w[0] == b->w[0];
}

// tuple is who speaks with whom.
struct tuple {
	struct addr src, dst;
	__be16 sport, dport;
};

// side is who sent a packet.
enum side { CLIENT, BACKEND };

struct key {
	struct tuple t;
	__u8 proto;
	__u8 side;
	__u16 zero;
};

// vip is where clients connect.
struct vip {
	struct addr addr;
	__be16 port;
	__u8 proto;
	__u8 zero;
};

enum select { BY_FLOW, BY_SOURCE, IN_TURN, LEAST, LEAST_OF_TWO };
enum forward { NAT, FULL_NAT, DSR, TUNNEL };
enum policy { REHASH, KEEP, RESET };
enum encapsulation { IPIP, GUE };

// service is all that holds for one vip, replaced as a whole, a map for each:
// no packet sees the table of one plan and the settings of another.
struct service {
	__u64 seed[2];
	__u64 affinity; // ns
	__u64 max_flows;
	__u32 number;
	__u32 table; // in hf_tables
	__u32 size;  // of the table
	__u32 nobody; // the slot of hf_targets where the service itself is counted
	__u32 rate;   // new flows a second
	__u32 translate, translates; // addresses in hf_translate that full NAT sends from
	__u16 port, ports; // the first of those that this node may take, and how many
	__u8 select, forward, on_down, on_removed;
	__u8 encapsulation;
	__u8 source;	// how many bits of the source's 128 count
	__u8 listed;	// only sources in hf_allowed may connect
	__u8 family;
};

struct settings {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct service);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, VIPS);
	__type(key, __u32);
	__array(values, struct settings);
} hf_services SEC(".maps");

// place is where the settings of a vip are. The rest is for Go, which finds
// here what an earlier run has left.
struct place {
	__u32 at;     // in hf_services
	__u32 number; // of its service
	__u32 table;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, VIPS);
	__type(key, struct vip);
	__type(value, struct place);
} hf_vips SEC(".maps");

enum state { UP, DRAIN, DOWN, REMOVED };

// target is a backend of a service. A slot is used again for another one only
// some time after its id was set to 0.
struct target {
	__u32 service;
	__u32 id;
	struct addr addr;
	__be16 port;
	__u8 state;
	__u8 zero;
	__u32 weight;
	__u32 max_flows;
	__u32 nobody; // the slot where its service is counted
	struct addr from; // of this node, on packets that others are wrapped in; 0: no way leads there
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, TARGETS);
	__type(key, __u32);
	__type(value, struct target);
} hf_targets SEC(".maps");

struct table {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_INNER_MAP); // each of its own size
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
};

// Tables have slots of hf_targets. A service's is never changed: another one is
// put beside it, and the service changed.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, SERVICES * 2);
	__type(key, __u32);
	__array(values, struct table);
} hf_tables SEC(".maps");

// tally is what changes with every new flow: shared by all CPUs.
struct tally {
	__s64 flows; // established ones
	__u64 turn;  // of a service: IN_TURN; of a target: the port that full NAT tries next
	__u64 second, began; // of a service: how many began in that second
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, TARGETS);
	__type(key, __u32);
	__type(value, struct tally);
} hf_tallies SEC(".maps");

enum reason {
	REFUSED,   // nobody to serve
	LIMITED,   // over a limit of flows
	HURRIED,   // over a limit of new flows a second
	DENIED,    // the source may not connect
	NO_FLOW,   // of a connection that nobody knows
	ENDED,     // the flow's backend is gone
	EXHAUSTED, // no port to translate to
	NO_ROUTE,
	TOO_BIG,
	EXPIRED, // TTL
	ABSURD,	   // an ICMP error that wants packets smaller than any link has them
	BROKEN,	 // cut off, or the kernel refused to change it
	UNKNOWN, // as NO_FLOW, and its sender was told (stranger.h)
	REASONS,
};

struct counters {
	__u64 began, made; // made: established, by what came through here
	__u64 packets_in, bytes_in, packets_out, bytes_out;
	__u64 drops[REASONS];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, TARGETS);
	__type(key, __u32);
	__type(value, struct counters);
} hf_counters SEC(".maps");

// flow is what a packet with its key becomes. There is one for each direction,
// but none for that in which packets do not come through here.
struct flow {
	__u64 seen; // CLOCK_MONOTONIC, coarse
	__u32 service;
	__u32 slot; // of hf_targets; its id says whether it still is the one
	__u32 id;
	__u32 ends; // bits below
	struct tuple to;
	__u32 zero;
};

#define CLIENT_FIN 1
#define BACKEND_FIN 2
#define RST 4
#define ANSWERED 8 // the backend has said something
#define MIRRORED 32 // another node has told of it, and nothing was seen of it here (16 is Go's)
#define HANDED 64 // another hook has begun it, with a packet that it handed on

#define CLOSED(ends) ((ends) & RST || ((ends) & (CLIENT_FIN | BACKEND_FIN)) == (CLIENT_FIN | BACKEND_FIN))

// Flows that are half open: the oldest make room.
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1 << 16);
	__type(key, struct key);
	__type(value, struct flow);
} hf_half SEC(".maps");

// Those that are established: no other flow ever takes their place.
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1 << 19);
	__type(key, struct key);
	__type(value, struct flow);
} hf_flows SEC(".maps");

// Addresses that full NAT sends from: of each service up to TRANSLATES, in a
// row.
#define TRANSLATES 8

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SERVICES * TRANSLATES);
	__type(key, __u32);
	__type(value, struct addr);
} hf_translate SEC(".maps");

// The same by address: nothing for their ports reaches the host. The value is
// the first port and the last one, as numbers.
struct ports {
	__u16 first, last;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, SERVICES * TRANSLATES);
	__type(key, struct addr);
	__type(value, struct ports);
} hf_translated SEC(".maps");

struct client {
	__u32 service;
	struct addr source; // the part of it that counts
};

struct bond {
	__u32 slot;
	__u32 id;
	__u64 until;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1 << 16);
	__type(key, struct client);
	__type(value, struct bond);
} hf_bonds SEC(".maps");

struct source {
	__u32 bits; // of what follows
	__u32 service; // in network byte order, as all of a prefix
	struct addr addr;
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1 << 16);
	__type(key, struct source);
	__type(value, __u32);
} hf_allowed SEC(".maps");

// datagram is what fragments have in common (RFC 791 §3.2, RFC 8200 §4.5).
struct datagram {
	struct addr src, dst;
	__u32 id;
	__u32 proto;
};

struct fragment_ports {
	__be16 sport, dport;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct datagram);
	__type(value, struct fragment_ports);
} hf_datagrams SEC(".maps");

// mac is a MAC on an interface, its own or a virtual one: what is sent to it is
// for us. The value says which.
enum mac_kind { VIRTUAL_MAC = 1, OWN_MAC };

struct mac {
	__u32 ifindex;
	__u8 mac[ETH_ALEN];
	__u16 zero;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 4096);
	__type(key, struct mac);
	__type(value, __u32);
} hf_macs SEC(".maps");
