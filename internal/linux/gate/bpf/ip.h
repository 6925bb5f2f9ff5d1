// SPDX-License-Identifier: Apache-2.0 OR MIT OR GPL-2.0-only
//
// IP headers, and what is inside of an IPv6 packet.

#pragma once

#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include "frames.h"

// ip4 is what the rules need of an IPv4 header.
struct ip4 {
	__be32 src;
	__be32 dst;
	__u32 l4;
	__be16 fragment;
	__u8 proto;
};

always void pick4(struct ip4 *p, __u32 l3, const struct iphdr *h)
{
	p->src = h->saddr;
	p->dst = h->daddr;
	p->l4 = l3 + h->ihl * 4;
	p->fragment = h->frag_off & bpf_htons(0x1fff);
	p->proto = h->protocol;
}

// What is too short for a header is nothing that any kernel takes.
always int read_ip4(struct __sk_buff *skb, enum link link, const struct frame *f, struct ip4 *p)
{
	struct iphdr *h = (void *)(long)skb->data + ETHER_SIZE, copy;

	if (link == ETHER && f->l3 == ETHER_SIZE && (void *)(h + 1) <= (void *)(long)skb->data_end)
		pick4(p, ETHER_SIZE, h);
	else if (!bpf_skb_load_bytes(skb, f->l3, &copy, sizeof(copy)))
		pick4(p, f->l3, &copy);
	else
		return 0;
	return 1;
}

// ip6 is what the rules need of an IPv6 header.
struct ip6 {
	__be32 src[4];
	__be32 dst[4];
	__u32 l4;
	__u8 next;
	__u8 hops;
};

always void pick6(struct ip6 *p, __u32 l3, const struct ipv6hdr *h)
{
	__builtin_memcpy(p->src, &h->saddr, sizeof(p->src));
	__builtin_memcpy(p->dst, &h->daddr, sizeof(p->dst));
	p->l4 = l3 + sizeof(*h);
	p->next = h->nexthdr;
	p->hops = h->hop_limit;
}

always int read_ip6(struct __sk_buff *skb, enum link link, const struct frame *f, struct ip6 *p)
{
	struct ipv6hdr *h = (void *)(long)skb->data + ETHER_SIZE, copy;

	if (link == ETHER && f->l3 == ETHER_SIZE && (void *)(h + 1) <= (void *)(long)skb->data_end)
		pick6(p, ETHER_SIZE, h);
	else if (!bpf_skb_load_bytes(skb, f->l3, &copy, sizeof(copy)))
		pick6(p, f->l3, &copy);
	else
		return 0;
	return 1;
}

// We look behind less than HEADERS extension headers. The kernel looks behind
// any number; but what it answers leaves by egress, without any.
#define HEADERS 6

#define NEXTHDR_AUTH 51

// Reading 8 bytes of every extension header is enough for all of them.
struct exthdr {
	__u8 next;
	__u8 len; // in units of 8 bytes, less one; AH: of 4 bytes, less two
	__be16 fragment;
	__be32 rest;
};

always int is_extension(int next)
{
	switch (next) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_FRAGMENT:
	case NEXTHDR_AUTH:
	case IPPROTO_DSTOPTS:
		return 1;
	}
	return 0;
}

// payload6 skips extension headers (RFC 8200 §4). It gives the protocol that
// follows and moves l4 to it, or gives 255 where that is not in this packet: in
// another fragment, cut off, or behind too many headers.
static __noinline int payload6(struct __sk_buff *skb, struct ip6 *ip)
{
	int next = ip->next;
	struct exthdr h;

	for (int i = 0; i < HEADERS; i++) {
		if (!is_extension(next))
			return next;
		if (bpf_skb_load_bytes(skb, ip->l4, &h, sizeof(h)))
			return 255;
		if (next == IPPROTO_FRAGMENT) {
			if (h.fragment & bpf_htons(0xfff8))
				return 255;
			ip->l4 += 8;
		} else if (next == NEXTHDR_AUTH) {
			ip->l4 += (h.len + 2) * 4;
		} else {
			ip->l4 += (h.len + 1) * 8;
		}
		next = h.next;
	}
	return 255;
}

// next6 is the protocol inside of an IPv6 packet.
always int next6(struct __sk_buff *skb, struct ip6 *ip)
{
	return is_extension(ip->next) ? payload6(skb, ip) : ip->next;
}
