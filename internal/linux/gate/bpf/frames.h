// SPDX-License-Identifier: Apache-2.0 OR MIT OR GPL-2.0-only
//
// The Ethernet frame, with or without tags, and its virtual MAC.

#pragma once

#include "find.h"

// A packet's first bytes can be read in place, and cheaply, where they are in
// one piece. Drivers, and programs with a packet socket, may have left them
// otherwise; then, and for all that is rarely wanted, they are copied by
// bpf_skb_load_bytes. Pointers into a packet are compared and moved by
// constants only: the verifier allows no more to who lacks CAP_PERFMON.

// link is a constant in each program: whether frames have an Ethernet header.
// On an interface without one, a packet begins with its IP header.
enum link { ETHER, BARE };

// side is too: the end of the wire that an address of ours is at.
enum side { DESTINATION, SOURCE };

struct frame {
	__u32 l3;     // where the payload begins
	__be16 proto; // of the payload; 0: none of our business
	__u16 mac[3]; // of that side
};

#define ETHER_SIZE 14
#define MAC_AT(side) ((side) == SOURCE ? ETH_ALEN : 0)

struct ether {
	__u16 dst[3];
	__u16 src[3];
	__be16 proto;
};

// untag looks through tags to the EtherType of a frame that belongs to the
// interface itself. A frame of a VLAN belongs to another one: it says 0. A tag
// with VLAN 0 is about priority only (IEEE 802.1Q §6.9), and the kernel looks
// through any number of them; so do we, two deep and the one that hardware or
// kernel took off.
static __noinline int untag(struct __sk_buff *skb, struct frame *f)
{
	struct {
		__be16 tci;
		__be16 proto;
	} tag;

	for (int i = 0; i < 2; i++) {
		if (bpf_skb_load_bytes(skb, f->l3, &tag, sizeof(tag)) || tag.tci & bpf_htons(0xfff))
			break;
		f->l3 += sizeof(tag);
		f->proto = tag.proto;
		if (f->proto != bpf_htons(ETH_P_8021Q) && f->proto != bpf_htons(ETH_P_8021AD))
			return 0;
	}
	f->proto = 0;
	return 0;
}

always void pick_frame(struct frame *f, enum side side, const struct ether *e)
{
	const __u16 *mac = side == SOURCE ? e->src : e->dst;

	f->proto = e->proto;
	f->mac[0] = mac[0];
	f->mac[1] = mac[1];
	f->mac[2] = mac[2];
}

always void read_frame(struct __sk_buff *skb, enum link link, enum side side, struct frame *f)
{
	struct ether *e = (void *)(long)skb->data, copy;

	if (link == BARE) {
		f->l3 = 0;
		f->proto = skb->protocol;
		f->mac[0] = 1; // no virtual MAC
		return;
	}
	f->l3 = ETHER_SIZE;
	if ((void *)e + ETHER_SIZE <= (void *)(long)skb->data_end) {
		pick_frame(f, side, e);
	} else if (!bpf_skb_load_bytes(skb, 0, &copy, ETHER_SIZE)) {
		pick_frame(f, side, &copy);
	} else {
		f->proto = 0;
		return;
	}
	if (skb->vlan_present && skb->vlan_tci & 0xfff)
		f->proto = 0;
	else if (f->proto == bpf_htons(ETH_P_8021Q) || f->proto == bpf_htons(ETH_P_8021AD))
		untag(skb, f);
}

static __noinline int if_known_mac_served(struct __sk_buff *skb, const struct frame *f, enum side side)
{
	__u32 *slot = find_mac(skb, (const __u8 *)f->mac);

	if (!slot || *slot == OWN)
		return PASS;
	return if_served(*slot, side == SOURCE ? PACKET_OUT : PACKET_IN);
}

// if_mac_served judges a frame by its virtual MAC. All virtual MACs begin with
// two zeros (00-00-5E-00-..: RFC 9568 §7.3), hardly any other does.
always int if_mac_served(struct __sk_buff *skb, const struct frame *f, enum side side)
{
	return f->mac[0] ? PASS : if_known_mac_served(skb, f, side);
}

// if_all_served judges a packet by the slot of its address, if it has one, and
// by its MAC. Where that is the one of the same slot, it has been judged.
always int if_all_served(struct __sk_buff *skb, const struct frame *f, int slot, enum side side)
{
	const struct hold *h;

	if (slot != NOBODY) {
		h = hold_of(slot);
		if (!h || !open_until(&h->served)) {
			count(slot, side == SOURCE ? PACKET_OUT : PACKET_IN);
			return DROP;
		}
		if (f->mac[0] == h->mac[0] && f->mac[1] == h->mac[1] && f->mac[2] == h->mac[2] && skb->ifindex == h->ifindex)
			return PASS;
	}
	return if_mac_served(skb, f, side);
}
