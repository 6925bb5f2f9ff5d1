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

// tail4 is an IPv4 header from the TTL on, and the ports where they follow: what
// translating changes. Of IPv6 it is what a tuple is.
struct tail4 {
	__u8 ttl, proto;
	__u16 sum;
	__be32 saddr, daddr;
	__be16 ports[2];
};

// rewrite_head changes the IP header, and the ports where they follow, with as few
// writes as can be: every one costs as much as all that is computed here. The
// difference of addresses is that of the pseudo-header too.
always int rewrite_head(ctx *c, const struct packet *p, const struct tuple *to, __s64 diff, int ports)
{
	__u8 hops = p->hops - 1;

	if (p->family == 4) {
		struct tail4 t;
		__u32 n = sizeof(t) - sizeof(t.ports);

		if (load(c, p->l3 + AT_TTL4, &t, n))
			return -1;
		// RFC 1624 §3; the TTL is the first byte of a word.
		diff += (__u32)bpf_htons((__u16)hops << 8) + (__u16)~bpf_htons((__u16)t.ttl << 8);
		t.sum = folded((__u16)~t.sum + diff);
		t.ttl = hops;
		t.saddr = to->src.w[3];
		t.daddr = to->dst.w[3];
		t.ports[0] = to->sport;
		t.ports[1] = to->dport;
		return ports ? store(c, p->l3 + AT_TTL4, &t, sizeof(t)) : store(c, p->l3 + AT_TTL4, &t, n);
	}
	if (store(c, p->l3 + AT_HOPS6, &hops, 1))
		return -1;
	return ports ? store(c, p->l3 + AT_SRC6, to, sizeof(*to)) : store(c, p->l3 + AT_SRC6, to, 2 * sizeof(struct addr));
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

	__u32 header = p->family == 4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	int ports = p->fragment != LATER;

	// Only the first fragment has the header of the transport, whose checksum
	// is that of the whole datagram.
	if (ports) {
		__u32 sum = p->l4 + (udp ? AT_SUM_UDP : AT_SUM_TCP);
		__be32 *before = (__be32 *)&from->sport, *after = (__be32 *)&to->sport;

		if (transport_sum(c, sum, diff, ADDRESSES, p->family, udp))
			return -1;
		if (*before != *after && transport_sum(c, sum, short_of(changed(before, after, 1)), CONTENT, p->family, udp))
			return -1;
		if (p->l4 != p->l3 + header) {
			ports = 0;
			if (store(c, p->l4, after, 4))
				return -1;
		}
	}
	return rewrite_head(c, p, to, diff, ports);
}
