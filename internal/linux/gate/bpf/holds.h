// SPDX-License-Identifier: Apache-2.0 OR MIT OR GPL-2.0-only
//
// Which addresses are guarded, and until when each is held. The balancer's
// program, which on some hooks sees packets before the gate does, asks the same
// maps in the same way: so here is nothing that depends on a hook.

#pragma once

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

#ifndef always
#define always static __always_inline
#endif

#define SLOTS 8192
#define GUARDED 32768

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
	__uint(max_entries, GUARDED);
	__type(key, struct address);
	__type(value, struct guarded);
} hf_addresses SEC(".maps");

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

always const struct hold *hold_of(__u32 slot)
{
	return bpf_map_lookup_elem(&hf_holds, &slot);
}

// An instant is read once, as a whole.
always int open_until(const __u64 *instant)
{
	return bpf_ktime_get_boot_ns() < *(const volatile __u64 *)instant;
}

#define NOBODY -1

always __u32 hint(__be32 word)
{
	__u32 zero = 0, bucket = (word * 2654435761u) >> (32 - HINT_BITS);
	struct hints *h = bpf_map_lookup_elem(&hf_hints, &zero);

	return h ? h->slot[bucket] : MANY;
}

// find gives the slot of an address, or NOBODY.
always int find(const struct address *a)
{
	__u32 slot = hint(a->ip[3]);
	const struct guarded *g;

	if (!slot)
		return NOBODY;
	if (slot-- != MANY) {
		const struct hold *h = hold_of(slot);

		if (h && h->address.ip[3] == a->ip[3] && h->address.ip[2] == a->ip[2] && h->address.ip[1] == a->ip[1] &&
		    h->address.ip[0] == a->ip[0] && h->address.scope == a->scope)
			return slot;
	}
	g = bpf_map_lookup_elem(&hf_addresses, a);
	return g ? g->slot : NOBODY;
}

always void key4(struct address *a, __be32 ip)
{
	a->scope = 0;
	a->ip[0] = 0;
	a->ip[1] = 0;
	a->ip[2] = bpf_htonl(0xffff);
	a->ip[3] = ip;
}
