// SPDX-License-Identifier: Apache-2.0 OR MIT OR GPL-2.0-only
//
// What is known of a packet while it is looked at, and whose it is.

#pragma once

#include "bind.h"

// work is what the program is about to do with a packet: more than its stack has
// room for. Nothing else runs on a CPU while it looks at a packet there.
struct work {
	struct packet p;
	struct packet about;  // which an ICMP error is
	struct packet inside; // that one, where it was wrapped
	struct binding b;
	__u64 now, tick; // the clock, and when it was read
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct work);
} hf_work SEC(".maps");

// now_of is the coarse clock, which is read once a tick.
always __u64 now_of(struct work *w)
{
	__u64 tick = bpf_jiffies64();

	if (w->tick != tick) {
		w->tick = tick;
		w->now = bpf_ktime_get_coarse_ns();
	}
	return w->now;
}

// service_at gives the service that a client's packets with this key are for.
always struct service *service_at(const struct key *k)
{
	struct vip v = { .addr = k->t.dst, .port = k->t.dport, .proto = k->proto };
	struct place *place = bpf_map_lookup_elem(&hf_vips, &v);
	__u32 zero = 0;
	void *settings;

	if (!place)
		return 0;
	settings = bpf_map_lookup_elem(&hf_services, &place->at);
	return settings ? bpf_map_lookup_elem(settings, &zero) : 0;
}

// ours says whether a port is one that full NAT sends from.
always int ours(const struct key *k)
{
	const struct ports *of = bpf_map_lookup_elem(&hf_translated, &k->t.dst);
	__u16 port = bpf_ntohs(k->t.dport);

	return of && port >= of->first && port <= of->last;
}
