// SPDX-License-Identifier: Apache-2.0 OR MIT OR GPL-2.0-only
//
// Packets for people who look: what became of each, as it came and as it left.
// Nobody else sees them. While nobody looks it costs one lookup of an array.

#pragma once

#include "work.h"

// SNAP is how much of a packet is told at most.
#define SNAP 256

// tracing is who looks. It ends by itself when nobody renews it.
struct tracing {
	__u64 until; // CLOCK_MONOTONIC, coarse; 0: nobody
	__u64 lost;  // for which there was no room
	__u32 number;
	__u32 snap;
	__u32 service; // only of this one; 0: of all
	__u32 slot;    // only of this target; 0: of all
	struct addr client, mask; // only of these
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tracing);
} hf_tracing SEC(".maps");

enum fate { DROPPED, PASSED_ON, FORWARDED };

// sighting is what is told of one packet.
struct sighting {
	__u64 time; // CLOCK_MONOTONIC
	__u32 number; // of the tracing
	__u32 ifindex;
	__u32 service;
	__u32 slot; // 0: of no service, the service's own: of no target
	struct addr client, backend;
	__be16 client_port, backend_port;
	__u8 proto, side, fate;
	__u8 reason; // and one more; 0: none
	__u32 came, left; // bytes of the frame
	__u16 came_here, left_here; // bytes of it that follow
	__u8 came_as[SNAP], left_as[SNAP];
	__u32 zero;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sighting);
} hf_sighting SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} hf_sightings SEC(".maps");

// head copies the beginning of a frame, and says how much of it.
always __u16 head(ctx *c, __u8 *to, __u32 snap)
{
	__u32 n = length(c);

	if (n > snap)
		n = snap;
	if (n > SNAP)
		n = SNAP;
	if (!n || peek(c, to, n))
		return 0;
	return n;
}

// look begins to tell of a packet.
apart int look(ctx *c)
{
	__u32 zero = 0;
	const struct tracing *t = bpf_map_lookup_elem(&hf_tracing, &zero);
	struct sighting *s = bpf_map_lookup_elem(&hf_sighting, &zero);
	struct work *w = bpf_map_lookup_elem(&hf_work, &zero);
	struct noted *n = bpf_map_lookup_elem(&hf_noted, &zero);

	if (!t || !s || !w || !n || t->until < bpf_ktime_get_coarse_ns())
		return 0;
	__builtin_memset(&w->b.f, 0, sizeof(w->b.f));
	n->slot = 0;
	n->reason = 0;
	n->noted = 0;
	s->time = bpf_ktime_get_ns();
	s->number = t->number;
	s->ifindex = arrived_on(c);
	s->came = length(c);
	s->came_here = head(c, s->came_as, t->snap);
	return 1;
}

always int looked_at(ctx *c)
{
	__u32 zero = 0;
	const struct tracing *t = bpf_map_lookup_elem(&hf_tracing, &zero);

	return t && t->until && look(c);
}

// wanted says whether a packet is of those that are asked for.
always int wanted(const struct tracing *t, const struct sighting *s)
{
	if (t->service && t->service != s->service)
		return 0;
	if (t->slot && t->slot != s->slot)
		return 0;
	for (int i = 0; i < 4; i++)
		if ((s->client.w[i] & t->mask.w[i]) != t->client.w[i])
			return 0;
	return 1;
}

// show tells what became of a packet that was looked at.
apart int show(ctx *c, int verdict)
{
	__u32 zero = 0, slot;
	struct tracing *t = bpf_map_lookup_elem(&hf_tracing, &zero);
	struct sighting *s = bpf_map_lookup_elem(&hf_sighting, &zero);
	const struct work *w = bpf_map_lookup_elem(&hf_work, &zero);
	const struct noted *n = bpf_map_lookup_elem(&hf_noted, &zero);
	const struct target *of;

	if (!t || !s || !w || !n)
		return 0;
#if HANDS_ON
	if (verdict == PASS)
		return 0; // the hook behind this one tells of it
#endif
	slot = n->noted ? n->slot : w->b.f.slot;
	if (!slot && !n->noted)
		return 0; // of nobody's flow
	of = bpf_map_lookup_elem(&hf_targets, &slot);
	if (!of)
		return 0;
	s->service = of->service;
	s->slot = slot;
	s->backend = of->addr;
	s->backend_port = of->port;
	s->proto = w->p.k.proto;
	s->side = w->p.k.side;
	s->client = w->p.k.t.src;
	s->client_port = w->p.k.t.sport;
	if (s->side == BACKEND && w->b.f.slot) {
		s->client = w->b.f.to.dst;
		s->client_port = w->b.f.to.dport;
	}
	s->reason = n->noted ? n->reason + 1 : 0;
	s->fate = verdict == DROP ? DROPPED : verdict == PASS ? PASSED_ON : FORWARDED;
	if (!wanted(t, s))
		return 0;
	s->left = length(c);
	s->left_here = s->fate == DROPPED ? 0 : head(c, s->left_as, t->snap);
	if (bpf_ringbuf_output(&hf_sightings, s, sizeof(*s), 0))
		__sync_fetch_and_add(&t->lost, 1);
	return 0;
}
