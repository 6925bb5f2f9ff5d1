// SPDX-License-Identifier: Apache-2.0 OR MIT OR GPL-2.0-only
//
// The backend's half of a tunnel: what was wrapped is taken out again, where it
// is for an address that the backend serves. Nobody else can have this machine
// unwrap what it likes.

#pragma once

#include "wrap.h"

#define DECAP_L3_IPV4 (1ull << 7) // Linux 6.3, needed where families differ
#define DECAP_L3_IPV6 (1ull << 8)

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, VIPS);
	__type(key, struct addr);
	__type(value, __u32);
} hf_unwrapped SEC(".maps");

// inner_of finds what is in a packet: its family, or 0.
always int inner_of(ctx *c, const struct packet *p, __u32 *room)
{
	struct udp udp;
	__u8 first;

	*room = p->l4 - p->l3;
	switch (p->k.proto) {
	case IPPROTO_IPIP:
		return 4;
	case IPPROTO_IPV6:
		return 6;
	case IPPROTO_UDP:
		if (load(c, p->l4, &udp, sizeof(udp)) || udp.dport != bpf_htons(GUE_PORT) || load(c, p->l4 + sizeof(udp), &first, 1))
			return 0;
		*room += sizeof(udp);
		// Variant 1 has no header: the version of IP is in its place.
		return first >> 4 == 4 ? 4 : first >> 4 == 6 ? 6 : 0;
	}
	return 0;
}

always int unwrap(ctx *c)
{
	struct packet p = {};
	struct addr dst;
	__u64 flags = 0;
	__be16 proto;
	__u32 room;
	int family;

	if (!parse(c, &p) || p.fragment != WHOLE)
		return PASS;
	family = inner_of(c, &p, &room);
	if (family == 4) {
		struct iphdr h;

		if (load(c, p.l3 + room, &h, sizeof(h)))
			return PASS;
		mapped(&dst, h.daddr);
		proto = bpf_htons(ETH_P_IP);
		if (p.family == 6)
			flags = DECAP_L3_IPV4;
	} else if (family == 6) {
		struct ipv6hdr h;

		if (load(c, p.l3 + room, &h, sizeof(h)))
			return PASS;
		__builtin_memcpy(&dst, &h.daddr, sizeof(dst));
		proto = bpf_htons(ETH_P_IPV6);
		if (p.family == 4)
			flags = DECAP_L3_IPV6;
	} else {
		return PASS;
	}
	if (!bpf_map_lookup_elem(&hf_unwrapped, &dst))
		return PASS;
	if (add_room(c, -(__s32)room, flags) || store(c, ETHER_SIZE - 2, &proto, sizeof(proto)))
		return DROP;
	return PASS;
}
