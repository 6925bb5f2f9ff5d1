// SPDX-License-Identifier: Apache-2.0 OR MIT OR GPL-2.0-only
//
// How large packets in tunnels may be, by what routers have said about some: the
// kernel learns that for connections of its own only.

#pragma once

#include "flows.h"

// LEARNED is for how long it counts (RFC 1191 §6.3).
#define LEARNED (600 * SECOND)

struct way {
	__u64 until;
	__u32 mtu;
	__u32 zero;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, TARGETS);
	__type(key, struct addr);
	__type(value, struct way);
} hf_ways SEC(".maps");

always void learn(const struct addr *to, __u32 mtu)
{
	struct way w = { .until = bpf_ktime_get_coarse_ns() + LEARNED, .mtu = mtu };

	bpf_map_update_elem(&hf_ways, to, &w, BPF_ANY);
}

// learned is how large a packet to an address may be: 0 where nobody has said.
apart __u32 learned(const struct addr *to)
{
	if (!to)
		return 0;
	const struct way *w = bpf_map_lookup_elem(&hf_ways, to);

	return w && w->until > bpf_ktime_get_coarse_ns() ? w->mtu : 0;
}
