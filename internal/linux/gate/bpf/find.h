// SPDX-License-Identifier: Apache-2.0 OR MIT OR GPL-2.0-only
//
// Finding out whether an address or a MAC is one of ours: hardly any is, so that
// is what has to be quick.

#pragma once

#include <bpf/bpf_endian.h>
#include "slots.h"

always void key6(struct address *a, const struct __sk_buff *skb, const __be32 *ip)
{
	int link_local = (ip[0] & bpf_htonl(0xffc00000)) == bpf_htonl(0xfe800000);

	a->scope = link_local ? skb->ifindex : 0;
	a->ip[0] = ip[0];
	a->ip[1] = ip[1];
	a->ip[2] = ip[2];
	a->ip[3] = ip[3];
}

always int find4(__be32 ip)
{
	struct address a;

	key4(&a, ip);
	return find(&a);
}

always int find6(const struct __sk_buff *skb, const __be32 *ip)
{
	struct address a;

	key6(&a, skb, ip);
	return find(&a);
}

always __u32 *find_mac(const struct __sk_buff *skb, const __u8 *mac)
{
	struct mac m = { .ifindex = skb->ifindex };

	__builtin_memcpy(m.mac, mac, ETH_ALEN);
	return bpf_map_lookup_elem(&hf_macs, &m);
}
