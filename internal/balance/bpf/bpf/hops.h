// SPDX-License-Identifier: Apache-2.0 OR MIT OR GPL-2.0-only
//
// Next hops that the kernel has named a moment ago. Packets come in trains, and
// to ask the kernel's routing table for each of them is a good part of what a
// packet costs. An answer is good until the clock of the kernel ticks next, which
// is milliseconds: a route or a neighbour that changes meanwhile is as one that
// changed that much later.

#pragma once

#include "parse.h"

// HOPS_BITS: two ways may have the same place, of which the later one has it.
#define HOPS_BITS 8

struct hop {
	struct addr src, dst;
	__u64 tick;
	__u32 arrived, ifindex;
	__u32 mtu;
	__u8 macs[2 * ETH_ALEN]; // of the next hop, and of this machine there
};

struct hops {
	struct hop at[1 << HOPS_BITS];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct hops);
} hf_hops SEC(".maps");

always struct hop *hop_at(const struct addr *src, const struct addr *dst)
{
	__u32 zero = 0, folded = (src->w[0] ^ src->w[1] ^ src->w[2] ^ src->w[3]) * 3 + (dst->w[0] ^ dst->w[1] ^ dst->w[2] ^ dst->w[3]);
	struct hops *h = bpf_map_lookup_elem(&hf_hops, &zero);

	return h ? &h->at[folded * 2654435761u >> (32 - HOPS_BITS)] : 0;
}

// known_hop gives the way of packets of so many bytes, where it was just found.
always int known_hop(const ctx *c, const struct hop *h, const struct addr *src, const struct addr *dst, __u32 bytes, struct bpf_fib_lookup *fib)
{
	if (h->tick != bpf_jiffies64() || h->arrived != arrived_on(c) || bytes > h->mtu || !same_addr(&h->dst, dst) || !same_addr(&h->src, src))
		return 0;
	fib->ifindex = h->ifindex;
	__builtin_memcpy(fib->dmac, h->macs, ETH_ALEN);
	__builtin_memcpy(fib->smac, h->macs + ETH_ALEN, ETH_ALEN);
	return 1;
}

// note_hop remembers what the kernel has said of packets that have a size.
always void note_hop(const ctx *c, struct hop *h, const struct addr *src, const struct addr *dst, const struct bpf_fib_lookup *fib)
{
	h->src = *src;
	h->dst = *dst;
	h->arrived = arrived_on(c);
	h->ifindex = fib->ifindex;
	h->mtu = fib->mtu_result;
	__builtin_memcpy(h->macs, fib->dmac, ETH_ALEN);
	__builtin_memcpy(h->macs + ETH_ALEN, fib->smac, ETH_ALEN);
	h->tick = bpf_jiffies64();
}
