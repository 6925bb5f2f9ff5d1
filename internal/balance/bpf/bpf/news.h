// SPDX-License-Identifier: Apache-2.0 OR MIT OR GPL-2.0-only
//
// Telling Go what becomes of flows, for the nodes that may have to take them
// over: when one is established, when it has ended, when it is forgotten. A
// packet of a flow that stays as it is tells nothing.

#pragma once

#include "maps.h"

// HALF_OPEN is a flow whose backend has answered, and the client has not yet:
// were it told only when that has happened, a node that takes over in between
// would know nothing of it. These are guesses, so they are told only as long as
// there are fewer than HALF_TOLD of them in a second: a flood of SYNs is not
// the other nodes' business.
enum what { FLOW = 1, HALF_OPEN, GONE };

#define HALF_TOLD 16384

// told is news of a flow: to Go, or (take.h) from it.
struct told {
	struct key k; // of the client
	struct flow f;
	__u32 what;   // 0: nothing
	__u32 nobody; // of its service, where Go says so
	__u32 answer;
	__u32 zero;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 21);
} hf_news SEC(".maps");

// watch is who reads it, and what did not find room.
struct watch {
	__u64 on;
	__u64 lost;
	__u64 second, half; // how many half-open flows were told in that second
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct watch);
} hf_watch SEC(".maps");

// tell wakes the reader only where it has read all there was: it lets some come
// together before it reads on.
apart int tell(const struct key *k, const struct flow *f, __u32 what)
{
	if (!k || !f)
		return 0;
	__u32 zero = 0;
	struct watch *w = bpf_map_lookup_elem(&hf_watch, &zero);
	struct told *n;

	if (!w || !w->on)
		return 0;
	n = bpf_ringbuf_reserve(&hf_news, sizeof(*n), 0);
	if (!n) {
		__sync_fetch_and_add(&w->lost, 1);
		return 0;
	}
	n->k = *k;
	n->f = *f;
	n->what = what;
	n->nobody = 0;
	n->answer = 0;
	n->zero = 0;
	bpf_ringbuf_submit(n, 0);
	return 0;
}

apart int tell_half(const struct key *k, const struct flow *f, __u64 second)
{
	if (!k || !f)
		return 0;
	__u32 zero = 0;
	struct watch *w = bpf_map_lookup_elem(&hf_watch, &zero);

	if (!w || !w->on)
		return 0;
	if (w->second != second) {
		w->second = second;
		w->half = 0;
	}
	return __sync_fetch_and_add(&w->half, 1) < HALF_TOLD ? tell(k, f, HALF_OPEN) : 0;
}
