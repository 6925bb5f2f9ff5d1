// SPDX-License-Identifier: Apache-2.0 OR MIT OR GPL-2.0-only
//
// ARP (RFC 826) for, and from, guarded addresses.

#pragma once

#include "frames.h"
#include "sightings.h"

#define ARPOP_REQUEST 1

struct arp {
	__be16 hrd;
	__be16 pro;
	__u8 hln;
	__u8 pln;
	__be16 op;
	__u8 sha[ETH_ALEN];
	__u8 spa[4];
	__u8 tha[ETH_ALEN];
	__u8 tpa[4];
} __attribute__((packed));

// read_arp says whether there is one for IPv4 over Ethernet. No kernel answers
// another.
always int read_arp(struct __sk_buff *skb, __u32 l3, struct arp *arp, __be32 *spa, __be32 *tpa)
{
	if (bpf_skb_load_bytes(skb, l3, arp, sizeof(*arp)))
		return 0;
	__builtin_memcpy(spa, arp->spa, 4);
	__builtin_memcpy(tpa, arp->tpa, 4);
	return arp->pro == bpf_htons(ETH_P_IP) && arp->hln == ETH_ALEN && arp->pln == 4;
}

static __noinline int arp_in(struct __sk_buff *skb, const struct frame *f)
{
	struct arp arp;
	__be32 spa, tpa;
	struct address a;
	int slot;

	if (!read_arp(skb, f->l3, &arp, &spa, &tpa))
		return if_mac_served(skb, f, DESTINATION);
	if (find4(spa) != NOBODY) {
		key4(&a, spa);
		sight(skb, &a, arp.sha, ARP_CLAIM);
	}
	// Sender and target the same: an announcement, which wants no answer
	// (RFC 5227 §3).
	if (arp.op != bpf_htons(ARPOP_REQUEST) || spa == tpa)
		return if_mac_served(skb, f, DESTINATION);
	slot = find4(tpa);
	if (slot == NOBODY)
		return if_mac_served(skb, f, DESTINATION);
	if (!spa) {
		key4(&a, tpa);
		sight(skb, &a, arp.sha, ARP_PROBE);
	}
	return if_announced(slot, ARP_IN);
}

static __noinline int arp_out(struct __sk_buff *skb, const struct frame *f)
{
	struct arp arp;
	__be32 spa, tpa;
	int slot;

	if (read_arp(skb, f->l3, &arp, &spa, &tpa)) {
		slot = find4(spa);
		if (slot != NOBODY)
			return if_announced(slot, ARP_OUT);
	}
	return if_mac_served(skb, f, SOURCE);
}
