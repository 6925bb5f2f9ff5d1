// SPDX-License-Identifier: Apache-2.0 OR MIT OR GPL-2.0-only
//
// Translating a packet: addresses, ports, TTL, and every checksum that they are
// part of.

#pragma once

#include "parse.h"
#include "sum.h"

#define AT_TTL4 8
#define AT_SUM4 10
#define AT_SRC4 12
#define AT_HOPS6 7
#define AT_SRC6 8
#define AT_SUM_TCP 16
#define AT_SUM_UDP 6

// tail4 is an IPv4 header from the TTL on: what translating changes.
struct tail4 {
	__u8 ttl, proto;
	__u16 sum;
	__be32 saddr, daddr;
};

// rewrite_head changes the IP header, from the TTL on with one write: every one
// costs as much as all that is computed here. The difference of addresses is
// that of the pseudo-header too.
always int rewrite_head(ctx *c, const struct packet *p, const struct tuple *to, __s64 diff)
{
	__u8 hops = p->hops - 1;

	if (p->family == 4) {
		struct tail4 t;

		if (load(c, p->l3 + AT_TTL4, &t, sizeof(t)))
			return -1;
		// RFC 1624 §3; the TTL is the first byte of a word.
		diff += (__u32)bpf_htons((__u16)hops << 8) + (__u16)~bpf_htons((__u16)t.ttl << 8);
		t.sum = folded((__u16)~t.sum + diff);
		t.ttl = hops;
		t.saddr = to->src.w[3];
		t.daddr = to->dst.w[3];
		return store(c, p->l3 + AT_TTL4, &t, sizeof(t));
	}
	if (store(c, p->l3 + AT_HOPS6, &hops, 1))
		return -1;
	return store(c, p->l3 + AT_SRC6, &to->src, 2 * sizeof(struct addr));
}

always __s64 addresses_changed(const struct packet *p, const struct tuple *from, const struct tuple *to)
{
	if (p->family == 4) // all else in the two is the same
		return changed(&from->src.w[3], &to->src.w[3], 1) + changed(&from->dst.w[3], &to->dst.w[3], 1);
	return changed(from->src.w, to->src.w, 8);
}

apart int rewrite(ctx *c, const struct packet *p, const struct flow *f)
{
	if (!p || !f)
		return -1;
	const struct tuple *from = &p->k.t, *to = &f->to;
	__s64 diff = short_of(addresses_changed(p, from, to));
	int udp = p->k.proto == IPPROTO_UDP;

	// Only the first fragment has the header of the transport, whose checksum
	// is that of the whole datagram.
	if (p->fragment != LATER) {
		__u32 sum = p->l4 + (udp ? AT_SUM_UDP : AT_SUM_TCP);
		__be32 *before = (__be32 *)&from->sport, *after = (__be32 *)&to->sport;

		if (transport_sum(c, sum, diff, ADDRESSES, p->family, udp) ||
		    transport_sum(c, sum, short_of(changed(before, after, 1)), CONTENT, p->family, udp) || store(c, p->l4, after, 4))
			return -1;
	}
	return rewrite_head(c, p, to, diff);
}
