// SPDX-License-Identifier: Apache-2.0 OR MIT OR GPL-2.0-only
//
// Telling who sent a packet that it is too big for the way it has to go
// (RFC 1191 §4, RFC 4443 §3.2), as the address that it was sent to.

#pragma once

#include "route.h"
#include "wrap.h"

// QUOTED is how much of the packet is sent back: what too big a packet has in
// any case, and enough for all headers that we look behind.
#define QUOTED 128

struct icmp {
	__u8 type, code;
	__be16 sum;
	__be32 mtu; // of IPv4 the second half
};

struct reply4 {
	struct iphdr ip;
	struct icmp icmp;
};

struct reply6 {
	struct ipv6hdr ip;
	struct icmp icmp;
};

struct quote {
	struct reply6 head; // or reply4: what comes first in it
	__u8 of[QUOTED];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct quote);
} hf_quote SEC(".maps");

#define MIN_MTU6 1280

apart int too_big4(ctx *c, const struct packet *p, struct quote *q, __u32 mtu)
{
	if (!p || !q)
		return -1;
	struct reply4 *r = (void *)&q->head;
	struct iphdr h = {
		.version = 4, .ihl = 5, .tot_len = bpf_htons(sizeof(*r) + QUOTED), .ttl = HOPS, .protocol = IPPROTO_ICMP,
		.saddr = p->k.t.dst.w[3], .daddr = p->k.t.src.w[3],
	};
	struct icmp icmp = { .type = 3, .code = 4, .mtu = bpf_htonl(mtu) };

	h.check = folded(bpf_csum_diff(0, 0, (__be32 *)&h, sizeof(h), 0));
	icmp.sum = folded(bpf_csum_diff(0, 0, (__be32 *)q->of, QUOTED, bpf_csum_diff(0, 0, (__be32 *)&icmp, sizeof(icmp), 0)));
	if (cut(c, p->l3 + QUOTED) || add_room(c, sizeof(*r), 0))
		return -1;
	r->ip = h;
	r->icmp = icmp;
	return store(c, p->l3, r, sizeof(*r));
}

apart int too_big6(ctx *c, const struct packet *p, struct quote *q, __u32 mtu)
{
	if (!p || !q)
		return -1;
	struct reply6 *r = &q->head;
	__be32 pseudo[2] = { bpf_htonl(sizeof(struct icmp) + QUOTED), bpf_htonl(IPPROTO_ICMPV6) };
	__s64 sum;

	__builtin_memset(r, 0, sizeof(*r));
	r->ip.version = 6;
	r->ip.payload_len = bpf_htons(sizeof(struct icmp) + QUOTED);
	r->ip.nexthdr = IPPROTO_ICMPV6;
	r->ip.hop_limit = HOPS;
	__builtin_memcpy(&r->ip.saddr, &p->k.t.dst, sizeof(struct addr));
	__builtin_memcpy(&r->ip.daddr, &p->k.t.src, sizeof(struct addr));
	r->icmp.type = 2;
	r->icmp.mtu = bpf_htonl(mtu);
	sum = bpf_csum_diff(0, 0, pseudo, sizeof(pseudo), 0);
	sum = bpf_csum_diff(0, 0, (__be32 *)&p->k.t.src, 2 * sizeof(struct addr), sum);
	sum = bpf_csum_diff(0, 0, (__be32 *)&r->icmp, sizeof(r->icmp), sum);
	r->icmp.sum = folded(bpf_csum_diff(0, 0, (__be32 *)q->of, QUOTED, sum));
	if (cut(c, p->l3 + QUOTED) || add_room(c, sizeof(*r), 0))
		return -1;
	return store(c, p->l3, r, sizeof(*r));
}

// too_big answers a packet of which so many bytes would fit. The RFCs speak of one
// that may not be cut into fragments. One that may is told of as well, where
// nobody cuts it: its sender makes the next ones as small, and else none of them
// would ever arrive.
apart int too_big(ctx *c, const struct packet *p, __u32 mtu, __u32 slot)
{
	if (!p)
		return DROP;
	struct bpf_fib_lookup fib = {};
	__u32 zero = 0;
	struct quote *q = bpf_map_lookup_elem(&hf_quote, &zero);
	int err;

	dropped(slot, TOO_BIG);
	// RFC 1122 §3.2.2, RFC 4443 §2.4 (e): no error about an error.
	if (p->k.proto != IPPROTO_TCP && p->k.proto != IPPROTO_UDP)
		return DROP;
	if (!q || p->fragment == LATER || load(c, p->l3, q->of, QUOTED))
		return DROP;
	if (p->family == 4)
		err = too_big4(c, p, q, mtu);
	else
		err = too_big6(c, p, q, mtu < MIN_MTU6 ? MIN_MTU6 : mtu);
	if (err)
		return dropped(slot, BROKEN);
	return leave(c, &fib, ask_route(c, &p->k.t.dst, &p->k.t.src, 0, &fib), slot);
}
