// SPDX-License-Identifier: Apache-2.0 OR MIT OR GPL-2.0-only
//
// Telling the ends of a connection that it is over, so that they need not find
// out by waiting: a packet that cannot go on becomes a RST to its sender
// (RFC 9293 §3.10.7.1), and one to the other end. A RST is never larger than what
// it answers, and nothing answers a RST.

#pragma once

#include "send.h"

struct tcp {
	__be16 sport, dport;
	__be32 seq, ack;
	__u8 offset, flags;
	__be16 window, sum, urgent;
};

struct reset4 {
	struct iphdr ip;
	struct tcp tcp;
};

struct reset6 {
	struct ipv6hdr ip;
	struct tcp tcp;
};

// last is the packet that ends a connection.
struct last {
	struct tcp tcp;
	__u32 len; // of the segment
	__u32 unfinished;
};

enum whom { SENDER, OTHER_END };

always __u32 reset_size(const struct packet *p)
{
	return p->family == 4 ? sizeof(struct reset4) : sizeof(struct reset6);
}

// strip leaves of a packet what a RST needs room for.
apart int strip(ctx *c, struct packet *p, struct last *l)
{
	if (!p || !l)
		return -1;
	__u32 size = reset_size(p);

	if (p->k.proto != IPPROTO_TCP || p->fragment != WHOLE || p->flags & TCP_RST || load(c, p->l4, &l->tcp, sizeof(l->tcp)))
		return -1;
	l->len = p->bytes - (p->l4 - p->l3) - (l->tcp.offset >> 4) * 4;
	l->len += !!(l->tcp.flags & TCP_SYN) + !!(l->tcp.flags & TCP_FIN);
	l->unfinished = unfinished(c, p->l4 + AT_SUM_TCP);
	// Who finishes the sum looks for it where it is now.
	if (l->unfinished && p->l4 != p->l3 + size - sizeof(struct tcp))
		return -1;
	if (cut(c, p->l3 + size))
		return -1;
	p->l4 = p->l3 + size - sizeof(struct tcp);
	p->bytes = size;
	p->size = size;
	p->hops = HOPS;
	p->tos = 0;
	p->dont = 1;
	p->flags = TCP_RST;
	return 0;
}

// put_reset writes a RST, between the addresses of the packet.
apart int put_reset(ctx *c, const struct packet *p, const struct last *l, enum whom whom)
{
	if (!p || !l)
		return -1;
	struct tcp h = { .offset = sizeof(struct tcp) / 4 << 4, .flags = TCP_RST };
	__be32 pseudo[2] = { bpf_htonl(sizeof(h)), bpf_htonl(IPPROTO_TCP) };
	struct tuple t = p->k.t;
	__s64 sum;

	if (whom == SENDER) {
		turned(&t, &p->k.t);
		if (l->tcp.flags & TCP_ACK) {
			h.seq = l->tcp.ack;
		} else {
			h.ack = bpf_htonl(bpf_ntohl(l->tcp.seq) + l->len);
			h.flags |= TCP_ACK;
		}
	} else {
		h.seq = l->tcp.seq;
		h.ack = l->tcp.ack;
		h.flags |= l->tcp.flags & TCP_ACK;
	}
	h.sport = t.sport;
	h.dport = t.dport;
	if (p->family == 4) {
		struct iphdr ip = {
			.version = 4, .ihl = 5, .tot_len = bpf_htons(sizeof(struct reset4)), .frag_off = bpf_htons(0x4000), .ttl = HOPS,
			.protocol = IPPROTO_TCP, .saddr = t.src.w[3], .daddr = t.dst.w[3],
		};

		ip.check = folded(bpf_csum_diff(0, 0, (__be32 *)&ip, sizeof(ip), 0));
		sum = bpf_csum_diff(0, 0, &t.dst.w[3], 4, bpf_csum_diff(0, 0, &t.src.w[3], 4, 0));
		if (refill(c, p->l3, &ip, sizeof(ip)))
			return -1;
	} else {
		struct ipv6hdr ip = { .version = 6, .payload_len = bpf_htons(sizeof(h)), .nexthdr = IPPROTO_TCP, .hop_limit = HOPS };

		__builtin_memcpy(&ip.saddr, &t.src, sizeof(t.src));
		__builtin_memcpy(&ip.daddr, &t.dst, sizeof(t.dst));
		sum = bpf_csum_diff(0, 0, (__be32 *)&t, 2 * sizeof(struct addr), 0);
		if (refill(c, p->l3, &ip, sizeof(ip)))
			return -1;
	}
	sum = bpf_csum_diff(0, 0, pseudo, sizeof(pseudo), sum);
	h.sum = l->unfinished ? (__u16)~folded(sum) : folded(bpf_csum_diff(0, 0, (__be32 *)&h, sizeof(h), sum));
	return refill(c, p->l4, &h, sizeof(h));
}

// refuse tells the sender of a packet that there is nobody to speak with.
apart int refuse(ctx *c, struct packet *p, __u32 slot)
{
	if (!p)
		return DROP;
	struct bpf_fib_lookup fib = {};
	struct last l = {};

	if (strip(c, p, &l) || put_reset(c, p, &l, SENDER))
		return DROP;
	return leave(c, &fib, ask_route(c, &p->k.t.dst, &p->k.t.src, 0, &fib), slot);
}

// split tells the sender of a packet that its connection is over, and makes of
// the packet what tells the other end: GOES_ON. Where the sender's next hop is
// not known just now, the other end hears of it when it says something.
#define GOES_ON -2

apart int split(ctx *c, struct packet *p, __u32 slot)
{
	if (!p)
		return DROP;
	struct bpf_fib_lookup fib = {};
	struct last l = {};
	long found;

	if (strip(c, p, &l) || put_reset(c, p, &l, SENDER))
		return DROP;
	found = ask_route(c, &p->k.t.dst, &p->k.t.src, 0, &fib);
	if (found != BPF_FIB_LKUP_RET_SUCCESS || set_macs(c, &fib))
		return leave(c, &fib, found, slot);
	if (send_copy(c, fib.ifindex))
		return redirect(c, fib.ifindex);
	return put_reset(c, p, &l, OTHER_END) ? DROP : GOES_ON;
}
