// SPDX-License-Identifier: Apache-2.0 OR MIT OR GPL-2.0-only
//
// Who speaks in the middle of a connection that is not known here. Just after the
// address has moved that may be news on the way, and nothing is said: TCP sends it
// again. Once Go knows that no other node tells of more flows (hf_settled), nobody
// has this one, and its sender is told so, as a host would that never heard of it
// (RFC 9293 §3.5.2, §3.10.7.1): else a client waits for as long as its patience lasts.

#pragma once

#include "maps.h"
#include "parse.h"

// STRANGERS is how many of a vip are told in a second: what is sent to whoever
// forged a source is bounded.
#define STRANGERS 4096

struct settled {
	__u64 on;
	__u64 second, told; // how many were told in that second
};

// By place of a vip.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, VIPS);
	__type(key, __u32);
	__type(value, struct settled);
} hf_settled SEC(".maps");

// stranger says whether a packet's sender is told that nobody knows it. Two CPUs
// that begin a second may let a few more pass.
apart int stranger(const struct packet *p)
{
	if (!p)
		return 0;
	struct vip v = { .addr = p->k.t.dst, .port = p->k.t.dport, .proto = p->k.proto };
	__u64 second = bpf_ktime_get_coarse_ns() / 1000000000;
	const struct place *place;
	struct settled *n;
	__u32 at;

	if (p->k.proto != IPPROTO_TCP || p->fragment != WHOLE || p->flags & (TCP_SYN | TCP_RST))
		return 0;
	place = bpf_map_lookup_elem(&hf_vips, &v);
	if (!place)
		return 0;
	at = place->at;
	n = bpf_map_lookup_elem(&hf_settled, &at);
	if (!n || !n->on)
		return 0;
	if (HANDS_ON)
		return 1; // it is counted there
	if (n->second != second) {
		n->second = second;
		n->told = 0;
	}
	return __sync_fetch_and_add(&n->told, 1) < STRANGERS;
}
