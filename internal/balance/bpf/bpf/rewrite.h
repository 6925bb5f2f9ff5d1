// SPDX-License-Identifier: Apache-2.0 OR MIT OR GPL-2.0-only
//
// Translating a packet: addresses, ports, TTL, and every checksum that they are
// part of.

#pragma once

#include "parse.h"

#define AT_TTL4 8
#define AT_SUM4 10
#define AT_SRC4 12
#define AT_HOPS6 7
#define AT_SRC6 8
#define AT_SUM_TCP 16
#define AT_SUM_UDP 6

// rewrite_head changes the IP header: the difference of addresses is that of
// the pseudo-header too.
always int rewrite_head(ctx *c, const struct packet *p, const struct tuple *to, __s64 diff)
{
	__u8 hops = p->hops - 1;

	if (p->family == 4) {
		__be32 before = bpf_htonl((__u32)p->hops << 24), after = bpf_htonl((__u32)hops << 24);
		__be32 both[2] = { to->src.w[3], to->dst.w[3] };

		diff = bpf_csum_diff(&before, 4, &after, 4, diff);
		if (ip_sum(c, p->l3 + AT_SUM4, diff) || store(c, p->l3 + AT_TTL4, &hops, 1))
			return -1;
		return store(c, p->l3 + AT_SRC4, both, sizeof(both));
	}
	if (store(c, p->l3 + AT_HOPS6, &hops, 1))
		return -1;
	return store(c, p->l3 + AT_SRC6, &to->src, 2 * sizeof(struct addr));
}

apart int rewrite(ctx *c, const struct packet *p, const struct flow *f)
{
	if (!p || !f)
		return -1;
	const struct tuple *from = &p->k.t, *to = &f->to;
	__s64 diff = bpf_csum_diff((__be32 *)from->src.w, 2 * sizeof(struct addr), (__be32 *)to->src.w, 2 * sizeof(struct addr), 0);
	int udp = p->k.proto == IPPROTO_UDP;

	// Only the first fragment has the header of the transport, whose checksum
	// is that of the whole datagram.
	if (p->fragment != LATER) {
		__u32 sum = p->l4 + (udp ? AT_SUM_UDP : AT_SUM_TCP);
		__be32 *before = (__be32 *)&from->sport, *after = (__be32 *)&to->sport;
		__s64 ports = bpf_csum_diff(before, 4, after, 4, 0);

		if (transport_sum(c, sum, diff, ADDRESSES, p->family, udp) || transport_sum(c, sum, ports, CONTENT, p->family, udp) ||
		    store(c, p->l4, after, 4))
			return -1;
	}
	return rewrite_head(c, p, to, diff);
}
