// SPDX-License-Identifier: Apache-2.0 OR MIT OR GPL-2.0-only
//
// Packets in packets: IP in IP (RFC 2003, RFC 2473), and IP in UDP as variant 1
// of GUE (draft-ietf-intarea-gue-09 §4), whose source port lets networks spread
// flows.

#pragma once

#include "route.h"
#include "sum.h"

#define GUE_PORT 6080
#define PORTS_FROM 49152 // ephemeral ones (RFC 6335 §6)
#define HOPS 64

struct udp {
	__be16 sport, dport, len, sum;
};

struct outer {
	struct iphdr ip4;
	struct ipv6hdr ip6;
	struct udp udp;
};

always __u32 overhead(__u8 encapsulation, const struct addr *to)
{
	return (is_ip4(to) ? sizeof(struct iphdr) : sizeof(struct ipv6hdr)) + (encapsulation == GUE ? sizeof(struct udp) : 0);
}

// wrap puts a packet into another one for a target. The outer packet may not be
// fragmented: its size was checked, and fragments would not meet the same path.
apart int wrap(ctx *c, const struct packet *p, const struct target *t, __u32 encapsulation, __u32 hash)
{
	if (!p || !t)
		return -1;
	__u32 room = overhead(encapsulation, &t->addr), rest = room - (is_ip4(&t->addr) ? sizeof(struct iphdr) : sizeof(struct ipv6hdr));
	__u8 inner = p->family == 4 ? IPPROTO_IPIP : IPPROTO_IPV6;
	struct udp udp = {
		.sport = bpf_htons(PORTS_FROM + (hash & 0x3fff)), .dport = bpf_htons(GUE_PORT), .len = bpf_htons(p->bytes + sizeof(udp)),
	};
	__u64 flags = encapsulation == GUE ? BPF_F_ADJ_ROOM_ENCAP_L4_UDP : 0;
	__be16 proto;

	if (is_ip4(&t->addr)) {
		struct iphdr h = {
			.version = 4, .ihl = 5, .tos = p->tos, .tot_len = bpf_htons(p->bytes + room), .frag_off = bpf_htons(0x4000),
			.ttl = HOPS, .protocol = rest ? IPPROTO_UDP : inner, .saddr = t->from.w[3], .daddr = t->addr.w[3],
		};

		h.check = folded(bpf_csum_diff(0, 0, (__be32 *)&h, sizeof(h), 0));
		proto = bpf_htons(ETH_P_IP);
		if (add_room(c, room, flags | BPF_F_ADJ_ROOM_ENCAP_L3_IPV4) || store(c, p->l3, &h, sizeof(h)))
			return -1;
	} else {
		struct ipv6hdr h = {
			.version = 6, .priority = p->tos >> 4, .payload_len = bpf_htons(p->bytes + rest),
			.nexthdr = rest ? IPPROTO_UDP : inner, .hop_limit = HOPS,
		};

		h.flow_lbl[0] = (p->tos & 0xf) << 4;
		__builtin_memcpy(&h.saddr, &t->from, sizeof(t->from));
		__builtin_memcpy(&h.daddr, &t->addr, sizeof(t->addr));
		proto = bpf_htons(ETH_P_IPV6);
		if (add_room(c, room, flags | BPF_F_ADJ_ROOM_ENCAP_L3_IPV6) || store(c, p->l3, &h, sizeof(h)))
			return -1;
	}
	if (rest && store(c, p->l3 + room - rest, &udp, sizeof(udp)))
		return -1;
	return store(c, ETHER_SIZE - 2, &proto, sizeof(proto));
}
