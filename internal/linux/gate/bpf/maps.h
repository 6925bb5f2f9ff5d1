// SPDX-License-Identifier: Apache-2.0 OR MIT OR GPL-2.0-only
//
// What the gate knows, in maps that Go and these programs share. Layouts are part
// of the contract between versions of holdfast: see LAYOUT in gate.c.

#pragma once

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_helpers.h>

#define SLOTS 8192
#define ADDRESSES 32768

// address is a guarded address: IPv4 as ::ffff:a.b.c.d. The scope of a
// link-local IPv6 address is the interface, of every other one 0.
struct address {
	__u32 scope;
	__be32 ip[4];
};

// hold is what passes, and until when: nanoseconds of CLOCK_BOOTTIME. It fills
// a cache line, so that a store for one router does not take the line away
// from a CPU that looks at another. Writers store eight aligned bytes at once,
// so no reader ever sees half an instant.
//
// In the same line are one of the slot's addresses, which spares most packets
// the look into a hash table, and its virtual MAC. They are written while no
// hint leads to the slot.
struct hold {
	__u64 announced;
	__u64 served;
	__u64 advertised;
	struct address address;
	__u32 ifindex;
	__u16 mac[3];
	__u16 reserved[5];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, SLOTS);
	__type(key, __u32);
	__type(value, struct hold);
} hf_holds SEC(".maps");

// guarded is what an address leads to, and how often it was seen elsewhere
// lately.
struct guarded {
	__u32 slot;
	__u32 sighted; // since the instant below
	__u64 since;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, ADDRESSES);
	__type(key, struct address);
	__type(value, struct guarded);
} hf_addresses SEC(".maps");

// mac is a MAC address on an interface: a guarded virtual one, or (slot OWN)
// the interface's own, which is not guarded, but known not to be foreign.
struct mac {
	__u32 ifindex;
	__u8 mac[ETH_ALEN];
	__u16 zero;
};

#define OWN 0xffffffff

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, SLOTS * 2);
	__type(key, struct mac);
	__type(value, __u32);
} hf_macs SEC(".maps");

// router is a virtual router. The family is 4 or 6.
struct router {
	__u32 ifindex;
	__u8 family;
	__u8 vrid;
	__u16 zero;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, SLOTS);
	__type(key, struct router);
	__type(value, __u32);
} hf_routers SEC(".maps");

// hints tells for what the last word of an address hashes to whether any
// guarded address has it: 0 for none, a slot + 1 where it is the address in
// that slot's line, or MANY. Most packets are of no concern to the gate, and
// one look here tells so.
#define HINT_BITS 16
#define MANY 0xffffffff

struct hints {
	__u32 slot[1 << HINT_BITS];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct hints);
} hf_hints SEC(".maps");

// reason says what was dropped. It is the place of a counter in struct drops.
enum reason {
	ARP_IN,     // requests for an address
	ND_IN,      // solicitations for an address
	PACKET_IN,  // packets to an address, frames to a virtual MAC
	ARP_OUT,    // ARP with an address as the sender
	ND_OUT,     // advertisements of an address, solicitations from it
	PACKET_OUT, // packets from an address, frames from a virtual MAC
	ADVERT_OUT, // adverts with a priority
	UNTOLD,     // not a drop: sightings that nobody was told of
	REASONS,
};

struct drops {
	__u64 n[REASONS];
};

// Counted with atomic additions, and not for each CPU: it happens on closed
// gates only, and a copy of 8192 lines for each of 128 CPUs is 64 MiB.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, SLOTS);
	__type(key, __u32);
	__type(value, struct drops);
} hf_drops SEC(".maps");
