// SPDX-License-Identifier: Apache-2.0 OR MIT OR GPL-2.0-only
//
// From a frame to who speaks with whom.

#pragma once

#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include "maps.h"

#define ETHER_SIZE 14

enum fragment { WHOLE, FIRST, LATER };

struct packet {
	struct key k;
	__u32 l3, l4;
	__u32 id;	// of the datagram, in fragments
	__u16 bytes;	// from the IP header on
	__u16 size;	// that a link has to carry: of a piece, where it will be cut up
	__u8 family;	// 4 or 6
	__u8 hops;	// TTL
	__u8 flags;	// of TCP
	__u8 fragment;
	__u8 tos;
	__u8 dont;	// fragment: an IPv4 header says so, IPv6 always means it
	__u8 virtual;	// the frame was sent to a virtual MAC
	int slot;	// of the gate, where it was asked
};

#define TCP_FIN 1
#define TCP_SYN 2
#define TCP_RST 4
#define TCP_ACK 16

always int is_syn(const struct packet *p)
{
	return p->k.proto == IPPROTO_TCP && (p->flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN;
}

always int is_syn_ack(const struct packet *p)
{
	return p->k.proto == IPPROTO_TCP && p->fragment != LATER && (p->flags & (TCP_SYN | TCP_ACK | TCP_RST)) == (TCP_SYN | TCP_ACK);
}

always void mapped(struct addr *a, __be32 ip)
{
	a->w[0] = 0;
	a->w[1] = 0;
	a->w[2] = bpf_htonl(0xffff);
	a->w[3] = ip;
}

always int parse4(ctx *c, struct packet *p)
{
	struct iphdr h;
	__u16 frag;

	if (load(c, p->l3, &h, sizeof(h)) || h.version != 4 || h.ihl < 5)
		return 0;
	mapped(&p->k.t.src, h.saddr);
	mapped(&p->k.t.dst, h.daddr);
	frag = bpf_ntohs(h.frag_off);
	p->family = 4;
	p->hops = h.ttl;
	p->tos = h.tos;
	p->bytes = bpf_ntohs(h.tot_len);
	p->dont = !!(frag & 0x4000);
	p->fragment = frag & 0x1fff ? LATER : frag & 0x2000 ? FIRST : WHOLE;
	p->id = h.id;
	p->k.proto = h.protocol;
	p->l4 = p->l3 + h.ihl * 4;
	return 1;
}

// HEADERS is how many extension headers may stand before the transport's.
#define HEADERS 6

#define NEXTHDR_AUTH 51

// 8 bytes of every extension header are enough for all of them.
struct exthdr {
	__u8 next;
	__u8 len; // in units of 8 bytes, less one; AH: of 4 bytes, less two
	__be16 fragment;
	__be32 id;
};

// skip_headers looks behind extension headers (RFC 8200 §4).
apart int skip_headers(ctx *c, struct packet *p)
{
	if (!p)
		return 0;
	struct exthdr h;

	for (int i = 0; i < HEADERS; i++) {
		switch (p->k.proto) {
		case IPPROTO_HOPOPTS:
		case IPPROTO_ROUTING:
		case IPPROTO_DSTOPTS:
		case IPPROTO_FRAGMENT:
		case NEXTHDR_AUTH:
			break;
		default:
			return 1;
		}
		if (load(c, p->l4, &h, sizeof(h)))
			return 0;
		if (p->k.proto == IPPROTO_FRAGMENT) {
			// An atomic fragment is a whole datagram (RFC 6946).
			p->fragment = h.fragment & bpf_htons(0xfff8) ? LATER : h.fragment & bpf_htons(1) ? FIRST : WHOLE;
			p->id = h.id;
			p->l4 += 8;
		} else if (p->k.proto == NEXTHDR_AUTH) {
			p->l4 += (h.len + 2) * 4;
		} else {
			p->l4 += (h.len + 1) * 8;
		}
		p->k.proto = h.next;
		if (p->fragment == LATER)
			return 1;
	}
	return 0;
}

always int parse6(ctx *c, struct packet *p)
{
	struct ipv6hdr h;

	if (load(c, p->l3, &h, sizeof(h)) || h.version != 6)
		return 0;
	__builtin_memcpy(&p->k.t.src, &h.saddr, sizeof(struct addr));
	__builtin_memcpy(&p->k.t.dst, &h.daddr, sizeof(struct addr));
	p->family = 6;
	p->hops = h.hop_limit;
	p->tos = (h.priority << 4) | (h.flow_lbl[0] >> 4);
	p->bytes = bpf_ntohs(h.payload_len) + sizeof(h);
	p->dont = 1;
	p->k.proto = h.nexthdr;
	p->l4 = p->l3 + sizeof(h);
	return skip_headers(c, p);
}

// sized says how large a packet is on the next link, with so long a header of its
// transport.
always void sized(const ctx *c, struct packet *p, __u32 header)
{
	__u32 n = piece(c);

	p->size = n ? p->l4 - p->l3 + header + n : p->bytes;
}

always void datagram_of(const struct packet *p, struct datagram *d)
{
	d->src = p->k.t.src;
	d->dst = p->k.t.dst;
	d->id = p->id;
	d->proto = p->k.proto;
}

// ports_of reads the ports, and for a later fragment remembers those of the
// first one.
always int ports_of(ctx *c, struct packet *p)
{
	struct fragment_ports ports;
	struct datagram d;

	if (p->fragment == LATER) {
		const struct fragment_ports *known;

		datagram_of(p, &d);
		known = bpf_map_lookup_elem(&hf_datagrams, &d);
		if (!known)
			return 0;
		p->k.t.sport = known->sport;
		p->k.t.dport = known->dport;
		sized(c, p, 0);
		return 1;
	}
	if (p->k.proto == IPPROTO_TCP) {
		__u8 head[20];

		// Without the whole header there is no checksum to bring up to date.
		if (load(c, p->l4, head, sizeof(head)))
			return 0;
		__builtin_memcpy(&ports, head, 4);
		p->flags = head[13];
		sized(c, p, (head[12] >> 4) * 4);
	} else {
		__be32 head[2];

		if (load(c, p->l4, head, sizeof(head)))
			return 0;
		__builtin_memcpy(&ports, head, 4);
		sized(c, p, 8);
	}
	p->k.t.sport = ports.sport;
	p->k.t.dport = ports.dport;
	return 1;
}

// remember is for later fragments of a datagram that is ours.
always void remember(const struct packet *p)
{
	struct fragment_ports ports = { p->k.t.sport, p->k.t.dport };
	struct datagram d;

	if (p->fragment != FIRST)
		return;
	datagram_of(p, &d);
	bpf_map_update_elem(&hf_datagrams, &d, &ports, BPF_ANY);
}

// parse says whether there is an IP packet for this machine.
always int parse(ctx *c, struct packet *p)
{
	struct ethhdr e;

	if (of_vlan(c) || load(c, 0, &e, sizeof(e)))
		return 0;
	if (!for_us(c)) {
		struct mac m = { .ifindex = arrived_on(c) };
		const __u32 *kind;

		__builtin_memcpy(m.mac, e.h_dest, ETH_ALEN);
		kind = bpf_map_lookup_elem(&hf_macs, &m);
		if (!kind)
			return 0;
		p->virtual = *kind == VIRTUAL_MAC;
	}
	p->l3 = ETHER_SIZE;
	if (e.h_proto == bpf_htons(ETH_P_IP))
		return parse4(c, p);
	if (e.h_proto == bpf_htons(ETH_P_IPV6))
		return parse6(c, p);
	return 0;
}
