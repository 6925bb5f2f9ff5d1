// SPDX-License-Identifier: Apache-2.0 OR MIT OR GPL-2.0-only
//
// Neighbour discovery (RFC 4861) for, and from, guarded addresses.

#pragma once

#include "ip.h"
#include "sightings.h"

#define ND_SOLICIT 135
#define ND_ADVERT 136

// nd is the head of a neighbour solicitation or advertisement (RFC 4861 §4.3
// and §4.4).
struct nd {
	__u8 type;
	__u8 code;
	__be16 sum;
	__be32 flags;
	__be32 target[4];
};

always int read_nd(struct __sk_buff *skb, __u32 off, struct nd *nd)
{
	return !bpf_skb_load_bytes(skb, off, nd, sizeof(*nd)) && (nd->type == ND_SOLICIT || nd->type == ND_ADVERT);
}

static __noinline int nd_in(struct __sk_buff *skb, const struct ip6 *ip)
{
	int from_nobody = !(ip->src[0] | ip->src[1] | ip->src[2] | ip->src[3]);
	// What was forwarded is not heeded (RFC 4861 §7.1), so it is no sighting.
	int from_link = ip->hops == 255;
	__u8 mac[ETH_ALEN] = {};
	struct address a;
	struct nd nd;
	int slot;

	if (!read_nd(skb, ip->l4, &nd))
		return NOTHING;
	bpf_skb_load_bytes(skb, MAC_AT(SOURCE), mac, ETH_ALEN);
	if (nd.type == ND_ADVERT) {
		if (from_link && hint(nd.target[3])) {
			key6(&a, skb, nd.target);
			sight(skb, &a, mac, ND_CLAIM);
		}
		return NOTHING;
	}
	if (from_link && !from_nobody && hint(ip->src[3])) {
		key6(&a, skb, ip->src);
		sight(skb, &a, mac, ND_SOURCE);
	}
	slot = find6(skb, nd.target);
	if (slot == NOBODY)
		return NOTHING;
	if (from_link && from_nobody) {
		key6(&a, skb, nd.target);
		sight(skb, &a, mac, ND_PROBE);
	}
	return if_announced(slot, ND_IN);
}

static __noinline int nd_out(struct __sk_buff *skb, const struct ip6 *ip)
{
	struct nd nd;
	int slot;

	if (!read_nd(skb, ip->l4, &nd))
		return NOTHING;
	slot = nd.type == ND_ADVERT ? find6(skb, nd.target) : find6(skb, ip->src);
	return slot == NOBODY ? NOTHING : if_announced(slot, ND_OUT);
}
