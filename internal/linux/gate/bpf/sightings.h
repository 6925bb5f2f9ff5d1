// SPDX-License-Identifier: Apache-2.0 OR MIT OR GPL-2.0-only
//
// Sightings: somebody else uses an address of ours.

#pragma once

#include "find.h"

// sighting tells that somebody else uses an address of ours.
enum kind {
	ARP_CLAIM = 1, // ARP with our address as the sender
	ARP_PROBE,     // ARP that asks whether somebody has it (RFC 5227 §2.1.1)
	ND_CLAIM,      // a neighbour advertisement
	ND_SOURCE,     // a neighbour solicitation from our address
	ND_PROBE,      // duplicate address detection (RFC 4862 §5.4)
};

struct sighting {
	__u64 at;
	__u32 slot;
	__u32 ifindex;
	__be32 ip[4];
	__u8 mac[ETH_ALEN];
	__u8 kind;
	__u8 zero;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024); // a multiple of every page size there is
} hf_sightings SEC(".maps");

// At most this many sightings of an address are told in a second.
#define SIGHTINGS 10
#define SECOND 1000000000ull

// sight tells that a frame from a MAC uses a guarded address, unless the MAC is
// one of ours. The counters race between CPUs: a few more may be told.
static __noinline int sight(struct __sk_buff *skb, const struct address *a, const __u8 *mac, int kind)
{
	struct guarded *g = bpf_map_lookup_elem(&hf_addresses, a);
	__u64 now = bpf_ktime_get_boot_ns();
	struct sighting *s;

	if (!g || find_mac(skb, mac))
		return 0;
	if (now - g->since >= SECOND) {
		g->since = now;
		g->sighted = 0;
	}
	if (g->sighted >= SIGHTINGS)
		goto untold;
	g->sighted++;
	s = bpf_ringbuf_reserve(&hf_sightings, sizeof(*s), 0);
	if (!s)
		goto untold;
	s->at = now;
	s->slot = g->slot;
	s->ifindex = skb->ifindex;
	__builtin_memcpy(s->ip, a->ip, sizeof(s->ip));
	__builtin_memcpy(s->mac, mac, ETH_ALEN);
	s->kind = kind;
	s->zero = 0;
	bpf_ringbuf_submit(s, 0);
	return 0;
untold:
	count(g->slot, UNTOLD);
	return 0;
}
