// SPDX-License-Identifier: Apache-2.0 OR MIT OR GPL-2.0-only
//
// Most of what a machine hears may be no business of ours, and should not pay
// for those that are: a look at two addresses tells, before anything else.

#pragma once

#include "parse.h"

// PLACES of a table of addresses. Two may have the same place: then packets of
// the one are looked at in vain for the other.
#define PLACES_BITS 11
#define PLACES (1 << PLACES_BITS)

// known is what addresses at a place are: where clients connect, where full NAT
// sends from, who serves and answers through us.
enum known { SERVED = 1, TRANSLATED = 2, SERVING = 4 };

#define ANY (SERVED | TRANSLATED | SERVING)

struct known_addresses {
	__u8 at[PLACES];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct known_addresses);
} hf_known SEC(".maps");

// known_at gives what addresses at the place of one are. The bits need not be
// mixed well: who aims at a place of ours gains nothing.
always __u8 known_at(const struct known_addresses *k, __be32 folded)
{
	return k->at[(folded * 2654435761u) >> (32 - PLACES_BITS)];
}

always int carries(__u8 proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP;
}

// known_of says what a packet may be, by who sent it and whom it is for: 0 for
// one that is not ours. Of what is no plain TCP or UDP it can be anything.
always int known_of(ctx *c)
{
	const void *data = (void *)(long)c->data, *end = (void *)(long)c->data_end;
	const struct ethhdr *e = data;
	const struct known_addresses *k;
	__be32 src, dst;
	__u32 zero = 0;

	if (data + ETHER_SIZE + sizeof(struct ipv6hdr) > end)
		return ANY;
	if (e->h_proto == bpf_htons(ETH_P_IP)) {
		const struct iphdr *h = data + ETHER_SIZE;

		if (!carries(h->protocol))
			return ANY;
		src = h->saddr;
		dst = h->daddr;
	} else if (e->h_proto == bpf_htons(ETH_P_IPV6)) {
		const struct ipv6hdr *h = data + ETHER_SIZE;
		const __be32 *s = h->saddr.in6_u.u6_addr32, *d = h->daddr.in6_u.u6_addr32;

		if (!carries(h->nexthdr))
			return ANY;
		src = s[0] ^ s[1] ^ s[2] ^ s[3];
		dst = d[0] ^ d[1] ^ d[2] ^ d[3];
	} else {
		return ANY;
	}
	k = bpf_map_lookup_elem(&hf_known, &zero);
	if (!k)
		return ANY;
	return (known_at(k, dst) & (SERVED | TRANSLATED)) | (known_at(k, src) & SERVING);
}
