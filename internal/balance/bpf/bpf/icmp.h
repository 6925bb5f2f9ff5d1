// SPDX-License-Identifier: Apache-2.0 OR MIT OR GPL-2.0-only
//
// ICMP errors: what routers, and hosts, say about a packet of a flow goes to the
// end that sent it, in the words that this end knows (RFC 5508 §4). They quote
// the packet that they are about, of its transport 8 bytes at least.

#pragma once

#include "begin.h"
#include "send.h"
#include "work.h"

#define UNREACHABLE4 3
#define FRAGMENTATION_NEEDED 4 // a code of it
#define TIME_EXCEEDED4 11
#define PARAMETER_PROBLEM4 12
#define UNREACHABLE6 1
#define TOO_BIG6 2
#define TIME_EXCEEDED6 3
#define PARAMETER_PROBLEM6 4

// Links with less are not asked for by anybody honest: it would cut a flow into
// crumbs (RFC 791 §3.2, RFC 8200 §5).
#define MIN_MTU4 576

// is_error leaves alone what is asked and answered, redirects, and errors in
// fragments.
always int is_error(ctx *c, const struct packet *p)
{
	__u8 type;

	if (p->fragment != WHOLE)
		return 0;
	if (p->k.proto == IPPROTO_ICMP && p->family == 4)
		return !load(c, p->l4, &type, 1) && (type == UNREACHABLE4 || type == TIME_EXCEEDED4 || type == PARAMETER_PROBLEM4);
	if (p->k.proto == IPPROTO_ICMPV6 && p->family == 6)
		return !load(c, p->l4, &type, 1) && type >= UNREACHABLE6 && type <= PARAMETER_PROBLEM6;
	return 0;
}

// absurd says whether an error wants packets smaller than any link has them.
apart int absurd(ctx *c, const struct packet *p)
{
	if (!p)
		return 1;
	struct icmp h;

	if (load(c, p->l4, &h, sizeof(h)))
		return 1;
	if (p->family == 4)
		return h.type == UNREACHABLE4 && h.code == FRAGMENTATION_NEEDED && (bpf_ntohl(h.mtu) & 0xffff) < MIN_MTU4;
	return h.type == TOO_BIG6 && bpf_ntohl(h.mtu) < MIN_MTU6;
}

// read_quote reads the packet that an error is about.
apart int read_quote(ctx *c, const struct packet *p, struct packet *about)
{
	if (!p || !about)
		return 0;
	__be16 ports[4];

	__builtin_memset(about, 0, sizeof(*about));
	about->l3 = p->l4 + sizeof(struct icmp);
	if (!(p->family == 4 ? parse4(c, about) : parse6(c, about)))
		return 0;
	if (about->fragment == LATER)
		return 0;
	if (about->k.proto != IPPROTO_TCP && about->k.proto != IPPROTO_UDP)
		return about->k.proto == IPPROTO_IPIP || about->k.proto == IPPROTO_IPV6;
	if (load(c, about->l4, ports, sizeof(ports)))
		return 0;
	about->k.t.sport = ports[0];
	about->k.t.dport = ports[1];
	return 1;
}

// rewrite_quote makes of the quoted packet the one that the receiver of the error
// has sent. It gives the difference that all of it makes to the sum of ICMP.
apart int rewrite_quote(ctx *c, const struct packet *about, const struct tuple *to, __s64 *whole)
{
	if (!about || !to || !whole)
		return -1;
	const struct tuple *from = &about->k.t;
	__s64 addresses = bpf_csum_diff((__be32 *)from->src.w, 2 * sizeof(struct addr), (__be32 *)to->src.w, 2 * sizeof(struct addr), 0);
	__s64 ports = bpf_csum_diff((__be32 *)&from->sport, 4, (__be32 *)&to->sport, 4, 0);
	int udp = about->k.proto == IPPROTO_UDP;
	__be32 was[2] = {}, is[2] = {}; // checksums: of the IPv4 header, of the transport
	__u32 at = about->l4 + (udp ? AT_SUM_UDP : AT_SUM_TCP);
	__be16 sum;

	if (about->family == 4) {
		__be32 both[2] = { to->src.w[3], to->dst.w[3] };

		if (load(c, about->l3 + AT_SUM4, &sum, sizeof(sum)))
			return -1;
		was[0] = sum;
		sum = amended(sum, addresses);
		is[0] = sum;
		if (store(c, about->l3 + AT_SUM4, &sum, sizeof(sum)) || store(c, about->l3 + AT_SRC4, both, sizeof(both)))
			return -1;
	} else if (store(c, about->l3 + AT_SRC6, &to->src, 2 * sizeof(struct addr))) {
		return -1;
	}
	// Of TCP the quote may end before it.
	if (!load(c, at, &sum, sizeof(sum)) && !(udp && !sum)) {
		was[1] = sum;
		sum = amended(sum, (addresses & 0xffffffff) + (ports & 0xffffffff));
		if (udp && !sum)
			sum = 0xffff;
		is[1] = sum;
		if (store(c, at, &sum, sizeof(sum)))
			return -1;
	}
	if (store(c, about->l4, &to->sport, 4))
		return -1;
	ports = bpf_csum_diff((__be32 *)&from->sport, 4, (__be32 *)&to->sport, 4, addresses);
	*whole = bpf_csum_diff(was, sizeof(was), is, sizeof(is), ports);
	return 0;
}

// send_error sends an error of NAT or full NAT to the sender of what it is about,
// who sees it come from src.
apart int send_error(ctx *c, const struct packet *p, const struct packet *about, const struct flow *f, const struct addr *src)
{
	if (!p || !about || !f || !src)
		return DROP;
	struct bpf_fib_lookup fib = {};
	struct tuple to = { .src = *src, .dst = f->to.dst }, quoted;
	__u32 slot = f->slot;
	__s64 inside = 0, outside;
	long found;

	if (p->hops <= 1)
		return dropped(slot, EXPIRED);
	found = ask_route(c, &to.src, &to.dst, p->size, &fib);
	// RFC 1122 §3.2.2: no error about an error.
	if (found == BPF_FIB_LKUP_RET_FRAG_NEEDED && p->dont)
		return dropped(slot, TOO_BIG);
	turned(&quoted, &f->to);
	if (rewrite_quote(c, about, &quoted, &inside) || transport_sum(c, p->l4 + 2, inside, CONTENT, p->family, 0))
		return dropped(slot, BROKEN);
	outside = bpf_csum_diff((__be32 *)p->k.t.src.w, 2 * sizeof(struct addr), (__be32 *)to.src.w, 2 * sizeof(struct addr), 0);
	if (p->family == 6 && transport_sum(c, p->l4 + 2, outside, ADDRESSES, 6, 0))
		return dropped(slot, BROKEN);
	if (rewrite_head(c, p, &to, outside, 0))
		return dropped(slot, BROKEN);
	if (found == BPF_FIB_LKUP_RET_FRAG_NEEDED)
		return PASS;
	return leave(c, &fib, found, slot);
}

// guess says whose a flow is that is not known here: tables of hashes know, as
// long as the backend was told nothing but its own port and address.
apart int guess(const struct service *s, const struct key *k, struct flow *f)
{
	if (!s || !k || !f)
		return 0;
	struct client from = {};
	struct choice ch = {};
	const struct target *t;
	__u32 slot;

	if (!foretold(s))
		return 0;
	pick(s, k, &from, bpf_ktime_get_coarse_ns(), &ch);
	if (ch.slot < 0)
		return 0;
	slot = ch.slot;
	t = bpf_map_lookup_elem(&hf_targets, &slot);
	if (!t)
		return 0;
	__builtin_memset(f, 0, sizeof(*f));
	f->slot = slot;
	f->service = s->number;
	f->id = t->id;
	f->to.src = k->t.src;
	f->to.sport = k->t.sport;
	f->to.dst = t->addr;
	f->to.dport = t->port;
	return 1;
}

// to_backend is for an error about a packet that a service sent to a client. k is
// the key of the client's own packets.
always int to_backend(ctx *c, const struct service *s, struct work *w, const struct key *k)
{
	const struct packet *p = &w->p;
	const struct flow *f;
	int half;

	f = find_flow(k, &half);
	if (f && !target_of(f->slot, s->number, f->id))
		return dropped(s->nobody, ENDED);
	if (f)
		w->b.f = *f; // what is in a map may go away meanwhile
	else if (!guess(s, k, &w->b.f))
		return dropped(s->nobody, NO_FLOW);
	if (absurd(c, p))
		return dropped(w->b.f.slot, ABSURD);
	if (!two_way(s->forward))
		return sent(send(c, s, p, k, &w->b.f), p, &w->b.f);
	counted(w->b.f.slot, CLIENT, p->bytes);
	// A backend behind full NAT knows the way to nobody else.
	return send_error(c, p, &w->about, &w->b.f, s->forward == FULL_NAT ? &w->b.f.to.src : &p->k.t.src);
}

// to_client is for an error about a packet that was translated and sent to a
// backend. k is the key of the backend's packets.
always int to_client(ctx *c, struct work *w, const struct key *k)
{
	const struct packet *p = &w->p;
	const struct flow *f;
	__u32 none = 0;
	int half;

	f = find_flow(k, &half);
	if (!f)
		return ours(k) ? dropped(none, NO_FLOW) : PASS;
	if (!target_of(f->slot, f->service, f->id))
		return dropped(none, ENDED);
	w->b.f = *f;
	if (absurd(c, p))
		return dropped(w->b.f.slot, ABSURD);
	counted(w->b.f.slot, BACKEND, p->bytes);
	// In the service's name: the client never heard of who it was.
	return send_error(c, p, &w->about, &w->b.f, &w->b.f.to.src);
}

// about_tunnel learns how large packets for a backend may be from an error about
// one that was in a tunnel, where it quotes enough to show that it was: a packet
// of a flow of this backend, from us to it.
apart int about_tunnel(ctx *c, struct work *w)
{
	if (!w)
		return 0;
	const struct packet *about = &w->about;
	const struct target *t;
	const struct flow *f;
	struct icmp h;
	struct key k = {};
	__be16 ports[2];
	__u8 first;
	int half;

	__builtin_memset(&w->inside, 0, sizeof(w->inside));
	w->inside.l3 = about->l4;
	if (about->k.proto == IPPROTO_UDP && about->k.t.dport == bpf_htons(GUE_PORT))
		w->inside.l3 += sizeof(struct udp);
	else if (about->k.proto != IPPROTO_IPIP && about->k.proto != IPPROTO_IPV6)
		return 0;
	if (load(c, w->p.l4, &h, sizeof(h)) || load(c, w->inside.l3, &first, 1))
		return 0;
	if (w->p.family == 4 ? h.type != UNREACHABLE4 || h.code != FRAGMENTATION_NEEDED : h.type != TOO_BIG6)
		return 0;
	if (!(first >> 4 == 4 ? parse4(c, &w->inside) : parse6(c, &w->inside)) || load(c, w->inside.l4, ports, sizeof(ports)))
		return 0;
	k.t.src = w->inside.k.t.src;
	k.t.dst = w->inside.k.t.dst;
	k.t.sport = ports[0];
	k.t.dport = ports[1];
	k.proto = w->inside.k.proto;
	f = find_flow(&k, &half);
	t = f ? target_of(f->slot, f->service, f->id) : 0;
	if (!t || !same_addr(&t->addr, &about->k.t.dst) || !same_addr(&t->from, &about->k.t.src))
		return 0;
	if (absurd(c, &w->p))
		dropped(f->slot, ABSURD);
	else
		learn(&about->k.t.dst, w->p.family == 4 ? bpf_ntohl(h.mtu) & 0xffff : bpf_ntohl(h.mtu));
	return 1;
}

// error sends one on, if it is about a packet of a flow.
always int error(ctx *c, struct work *w)
{
	const struct service *s;
	struct key k = {};

	w->p.size = w->p.bytes;
	if (!read_quote(c, &w->p, &w->about))
		return PASS;
	// It is sent to who sent that packet (RFC 1122 §3.2.2).
	if (!same_addr(&w->p.k.t.dst, &w->about.k.t.src))
		return PASS;
	if (about_tunnel(c, w))
		return PASS;
	turned(&k.t, &w->about.k.t);
	k.proto = w->about.k.proto;
	s = service_at(&k);
	if (s)
		return to_backend(c, s, w, &k);
	k.side = BACKEND;
	return to_client(c, w, &k);
}
