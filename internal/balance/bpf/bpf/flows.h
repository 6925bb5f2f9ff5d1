// SPDX-License-Identifier: Apache-2.0 OR MIT OR GPL-2.0-only
//
// The two tiers of flows. A flow that is half open is in hf_half, where a flood
// of SYNs pushes out others of its kind alone. Once its client has shown that
// it hears us, it is in hf_flows.

#pragma once

#include "count.h"
#include "news.h"
#include "parse.h"

#define SECOND 1000000000ull

// find_flow looks where established ones are once more at the end: another CPU
// may have moved it there between the two looks.
always struct flow *find_flow(const struct key *k, int *half)
{
	struct flow *f = bpf_map_lookup_elem(&hf_flows, k);

	*half = 0;
	if (f)
		return f;
	f = bpf_map_lookup_elem(&hf_half, k);
	*half = !!f;
	return f ? f : bpf_map_lookup_elem(&hf_flows, k);
}

// turned is the tuple of packets in the other direction.
always void turned(struct tuple *to, const struct tuple *t)
{
	to->src = t->dst;
	to->dst = t->src;
	to->sport = t->dport;
	to->dport = t->sport;
}

// other_key is the key of the same flow's other direction.
always void other_key(struct key *other, const struct key *k, const struct tuple *to)
{
	turned(&other->t, to);
	other->proto = k->proto;
	other->side = !k->side;
	other->zero = 0;
}

// answers says whether a flow of a backend is what answers to this tuple.
always int answers(const struct flow *f, const struct tuple *t)
{
	return f->to.dport == t->sport && f->to.sport == t->dport && same_addr(&f->to.dst, &t->src) && same_addr(&f->to.src, &t->dst);
}

// two_way says whether the backend's packets come through here.
always int two_way(__u8 forward)
{
	return forward == NAT || forward == FULL_NAT;
}

// forget ends a flow of a client, at once. It says whether the flow was an
// established one.
apart int forget(const struct key *k, const struct flow *f, __u32 nobody)
{
	if (!k || !f)
		return 0;
	__u32 slot = f->slot, service = f->service, id = f->id, ends = f->ends;
	struct key other;
	int established;

	other_key(&other, k, &f->to);
	established = !bpf_map_delete_elem(&hf_flows, k);
	if (established && !CLOSED(ends))
		more(slot, service, id, nobody, -1);
	bpf_map_delete_elem(&hf_half, k);
	bpf_map_delete_elem(&hf_flows, &other);
	bpf_map_delete_elem(&hf_half, &other);
	return established;
}

// give_up is forget, and tells of it.
apart int give_up(const struct key *k, const struct flow *f, __u32 nobody)
{
	if (!k || !f)
		return 0;
	struct flow was = *f;

	return forget(k, f, nobody) ? tell(k, &was, GONE) : 0;
}

// promote makes a client's flow an established one, and says whether it could.
// Where there is no room it stays where it is.
apart int promote(const struct key *k, const struct flow *half, __u32 nobody)
{
	if (!k || !half)
		return 0;
	struct flow f = *half;
	struct key other;

	other_key(&other, k, &f.to);
	if (f.to.dport && f.to.sport) {
		struct flow back = f;
		const struct flow *there = bpf_map_lookup_elem(&hf_half, &other);

		// It may have been pushed out, and its place taken.
		if (there && !answers(there, &k->t))
			return 0;
		turned(&back.to, &k->t);
		if (bpf_map_update_elem(&hf_flows, &other, &back, BPF_NOEXIST))
			return 0;
	}
	if (bpf_map_update_elem(&hf_flows, k, &f, BPF_NOEXIST)) {
		bpf_map_delete_elem(&hf_flows, &other);
		return 0;
	}
	if (!CLOSED(f.ends))
		more(f.slot, f.service, f.id, nobody, 1);
	bpf_map_delete_elem(&hf_half, k);
	bpf_map_delete_elem(&hf_half, &other);
	if (!(f.ends & MIRRORED)) {
		was_made(f.slot);
		tell(k, &f, FLOW);
	}
	return 1;
}

// mark notes an end of a flow in both directions. Only the client's half is
// counted.
apart int mark(const struct packet *p, struct flow *f, __u32 bits, __u32 nobody)
{
	if (!p || !f)
		return 0;
	struct flow *client = f, *other_flow;
	struct key other;
	__u32 before;
	int half;

	if ((f->ends & bits) == bits)
		return 0;
	other_key(&other, &p->k, &f->to);
	other_flow = find_flow(&other, &half);
	if (p->k.side == BACKEND) {
		__sync_fetch_and_or(&f->ends, bits);
		client = other_flow;
	} else if (other_flow) {
		__sync_fetch_and_or(&other_flow->ends, bits);
	}
	if (!client)
		return 0;
	before = __sync_fetch_and_or(&client->ends, bits);
	if (!CLOSED(before) && CLOSED(before | bits)) {
		const struct key *k = p->k.side == CLIENT ? &p->k : &other;

		if (bpf_map_lookup_elem(&hf_flows, k)) {
			more(client->slot, client->service, client->id, nobody, -1);
			tell(k, client, FLOW);
		}
	}
	return 0;
}

// revive takes a RST back: who was told that its connection is over goes on with
// it, so it has not believed it (RFC 9293 §3.10.7.4, RFC 5961 §3.2). Else anybody
// who knows the ports could have a connection forgotten that is idle.
apart int revive(const struct packet *p, struct flow *f, __u32 nobody)
{
	if (!p || !f)
		return 0;
	struct flow *client = f, *other_flow;
	struct key other;
	__u32 before;
	int half;

	other_key(&other, &p->k, &f->to);
	other_flow = find_flow(&other, &half);
	if (p->k.side == BACKEND) {
		__sync_fetch_and_and(&f->ends, ~RST);
		client = other_flow;
	} else if (other_flow) {
		__sync_fetch_and_and(&other_flow->ends, ~RST);
	}
	if (!client)
		return 0;
	before = __sync_fetch_and_and(&client->ends, ~RST);
	if (CLOSED(before) && !CLOSED(before & ~RST)) {
		const struct key *k = p->k.side == CLIENT ? &p->k : &other;

		if (bpf_map_lookup_elem(&hf_flows, k)) {
			more(client->slot, client->service, client->id, nobody, 1);
			tell(k, client, FLOW);
		}
	}
	return 0;
}

// follow notes what a packet says about its flow.
always void follow(const struct packet *p, struct flow *f, __u64 now, __u32 nobody)
{
	__u32 bits = 0;

	// Once a second is often enough, and leaves the line to all CPUs.
	if (now - f->seen > SECOND) {
		f->seen = now;
		if (f->ends & MIRRORED)
			__sync_fetch_and_and(&f->ends, ~MIRRORED);
	}
	if (p->k.proto == IPPROTO_TCP && p->fragment != LATER) {
		if (f->ends & RST && !(p->flags & (TCP_RST | TCP_SYN)))
			revive(p, f, nobody);
		if (p->flags & TCP_FIN)
			bits |= p->k.side == CLIENT ? CLIENT_FIN : BACKEND_FIN;
		if (p->flags & TCP_RST)
			bits |= RST;
	}
	if (p->k.side == BACKEND)
		bits |= ANSWERED;
	if (bits)
		mark(p, f, bits, nobody);
}
