//go:build ignore

// SPDX-License-Identifier: Apache-2.0 OR MIT OR GPL-2.0-only
//
// The gate: an address answers only while its hold is valid.
//
// Two programs on each interface that a group names, one for what arrives and
// one for what leaves. They find out whether a packet concerns an address, a
// virtual MAC or a virtual router of ours, and let it pass while the clock is
// before the instant that holdfast wrote into shared memory. Nobody has to be
// alive for a gate to close: the instant passes by itself.
//
// Everything that is not ours passes, and quickly: see hint().
//
// doc.go has the rules as a table. Layouts of maps are part of the contract
// between versions of holdfast: see LAYOUT.

#include "arp.h"
#include "nd.h"
#include "vrrp.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

// LAYOUT is in the names of the programs. A holdfast takes over the maps of a
// program with its own LAYOUT, and replaces others: so it changes with every
// change of a map's key, value or meaning.
#define LAYOUT 1
#define PASTE(a, b, c) a##b##_##c
#define NAME(layout, what) PASTE(holdfast, layout, what)

always int ingress(struct __sk_buff *skb, enum link link)
{
	int slot = NOBODY;
	struct frame f;

	read_frame(skb, link, DESTINATION, &f);
	if (f.proto == bpf_htons(ETH_P_IP)) {
		struct ip4 ip;

		if (read_ip4(skb, link, &f, &ip))
			slot = find4(ip.dst);
	} else if (f.proto == bpf_htons(ETH_P_IPV6)) {
		struct ip6 ip;

		if (read_ip6(skb, link, &f, &ip)) {
			if (next6(skb, &ip) == IPPROTO_ICMPV6) {
				int verdict = nd_in(skb, &ip);

				if (verdict != NOTHING)
					return verdict;
			}
			slot = find6(skb, ip.dst);
		}
	} else if (f.proto == bpf_htons(ETH_P_ARP)) {
		return link == ETHER ? arp_in(skb, &f) : PASS;
	} else if (!f.proto) {
		return PASS;
	}
	return if_all_served(skb, &f, slot, DESTINATION);
}

always int egress(struct __sk_buff *skb, enum link link)
{
	int slot = NOBODY, verdict = NOTHING;
	struct frame f;

	read_frame(skb, link, SOURCE, &f);
	if (f.proto == bpf_htons(ETH_P_IP)) {
		struct ip4 ip;

		if (read_ip4(skb, link, &f, &ip)) {
			if (ip.proto == IPPROTO_VRRP && !ip.fragment)
				verdict = advert_out(skb, ip.l4, 4);
			slot = find4(ip.src);
		}
	} else if (f.proto == bpf_htons(ETH_P_IPV6)) {
		struct ip6 ip;

		if (read_ip6(skb, link, &f, &ip)) {
			switch (next6(skb, &ip)) {
			case IPPROTO_ICMPV6:
				verdict = nd_out(skb, &ip);
				break;
			case IPPROTO_VRRP:
				verdict = advert_out(skb, ip.l4, 6);
				break;
			}
			slot = find6(skb, ip.src);
		}
	} else if (f.proto == bpf_htons(ETH_P_ARP)) {
		return link == ETHER ? arp_out(skb, &f) : PASS;
	} else if (!f.proto) {
		return PASS;
	}
	if (verdict != NOTHING)
		return verdict;
	return if_all_served(skb, &f, slot, SOURCE);
}

SEC("tc")
int NAME(LAYOUT, in)(struct __sk_buff *skb)
{
	return ingress(skb, ETHER);
}

SEC("tc")
int NAME(LAYOUT, out)(struct __sk_buff *skb)
{
	return egress(skb, ETHER);
}

SEC("tc")
int NAME(LAYOUT, l3in)(struct __sk_buff *skb)
{
	return ingress(skb, BARE);
}

SEC("tc")
int NAME(LAYOUT, l3out)(struct __sk_buff *skb)
{
	return egress(skb, BARE);
}
