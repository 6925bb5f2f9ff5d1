// SPDX-License-Identifier: Apache-2.0 OR MIT OR GPL-2.0-only
//
// Flows that another node tells of, put there as if they had been established
// here. Go leaves them in hf_inbox and runs the program: what finds a flow there
// already, and what packets do meanwhile, is decided where packets decide it. A
// million flows take a CPU more than two seconds, most of which it waits for
// memory: there are several lanes, so that as many CPUs may wait.

#pragma once

#include "flows.h"

#define INBOX 256 // of a lane
#define LANES 4

// SLACK is by how much later a flow must have been seen here to outlive the
// news that it is gone: news is under way for some time, and packets note the
// time once a second.
#define SLACK (2 * SECOND)

// What is there has this node's service, slot and id, and is by this node's
// clock. The first of a lane with nothing in it is the end.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, INBOX * LANES);
	__type(key, __u32);
	__type(value, struct told);
} hf_inbox SEC(".maps");

enum answer { TAKEN, NO_BACKEND, NO_ROOM, NO_PORT };

always int same_tuple(const struct tuple *a, const struct tuple *b)
{
	return a->sport == b->sport && a->dport == b->dport && same_addr(&a->src, &b->src) && same_addr(&a->dst, &b->dst);
}

// merge brings a flow that is there up to date.
apart int merge(const struct told *n, struct flow *there)
{
	if (!n || !there)
		return TAKEN;
	__u32 bits = n->f.ends & ~MIRRORED, before, after;
	// Of a flow that was never seen here, who sees it knows that it goes on.
	__u32 wrong = there->ends & MIRRORED ? RST & ~bits : 0;
	struct flow *back;
	struct key other;
	int half;

	if (there->seen < n->f.seen)
		there->seen = n->f.seen;
	if ((there->ends & bits) == bits && !(there->ends & wrong))
		return TAKEN;
	other_key(&other, &n->k, &n->f.to);
	back = find_flow(&other, &half);
	if (back) {
		__sync_fetch_and_or(&back->ends, bits);
		__sync_fetch_and_and(&back->ends, ~wrong);
	}
	before = __sync_fetch_and_or(&there->ends, bits);
	after = __sync_fetch_and_and(&there->ends, ~wrong) & ~wrong;
	if (!!CLOSED(before) != !!CLOSED(after) && bpf_map_lookup_elem(&hf_flows, &n->k))
		more(there->slot, there->service, there->id, n->nobody, CLOSED(after) ? -1 : 1);
	return TAKEN;
}

// yields says whether a way back is free, or was that of a flow which has ended
// without this node having heard of it: the node that holds the address would
// not have given it away.
apart int yields(const struct told *n, const struct key *other)
{
	if (!n || !other)
		return 0;
	const struct flow *back, *client;
	const struct target *t;
	struct key k;
	int half;

	back = find_flow(other, &half);
	if (!back || answers(back, &n->k.t))
		return 1;
	other_key(&k, other, &back->to);
	client = find_flow(&k, &half);
	if (!client) {
		bpf_map_delete_elem(&hf_flows, other);
		bpf_map_delete_elem(&hf_half, other);
		return 1;
	}
	if (!(client->ends & MIRRORED) || client->seen > n->f.seen)
		return 0;
	t = target_of(client->slot, client->service, client->id);
	forget(&k, client, t ? t->nobody : n->nobody);
	return 1;
}

// open_half puts a flow where it is pushed out again if nothing comes of it.
apart int open_half(const struct told *n)
{
	if (!n)
		return NO_ROOM;
	struct flow back = n->f;
	struct key other;

	other_key(&other, &n->k, &n->f.to);
	turned(&back.to, &n->k.t);
	if (n->f.to.dport && bpf_map_update_elem(&hf_half, &other, &back, BPF_ANY))
		return NO_ROOM;
	return bpf_map_update_elem(&hf_half, &n->k, &n->f, BPF_ANY) ? NO_ROOM : TAKEN;
}

// anew puts a flow there that is in no way of another one: of a million flows
// that a node hears of for the first time all are such. It says whether it could.
// Each look is into a line of memory of its own, so there are as few as can be.
apart int anew(const struct told *n)
{
	if (!n || bpf_map_lookup_elem(&hf_flows, &n->k) || bpf_map_lookup_elem(&hf_half, &n->k))
		return 0;
	struct flow back = n->f;
	struct key other;

	if (!target_of(n->f.slot, n->f.service, n->f.id))
		return 0;
	other_key(&other, &n->k, &n->f.to);
	if (n->f.to.dport) {
		turned(&back.to, &n->k.t);
		if (bpf_map_lookup_elem(&hf_half, &other) || bpf_map_update_elem(&hf_flows, &other, &back, BPF_NOEXIST))
			return 0;
	}
	if (bpf_map_update_elem(&hf_flows, &n->k, &n->f, BPF_NOEXIST)) {
		if (n->f.to.dport)
			bpf_map_delete_elem(&hf_flows, &other);
		return 0;
	}
	if (!CLOSED(n->f.ends))
		more(n->f.slot, n->f.service, n->f.id, n->nobody, 1);
	return 1;
}

apart int take(const struct told *n)
{
	if (!n)
		return TAKEN;
	struct flow *there;
	struct key other;
	int half;

	if (n->what == FLOW && anew(n))
		return TAKEN;
	there = find_flow(&n->k, &half);
	if (n->what == GONE) {
		if (there && there->seen <= n->f.seen + SLACK)
			forget(&n->k, there, n->nobody);
		return TAKEN;
	}
	if (!target_of(n->f.slot, n->f.service, n->f.id))
		return NO_BACKEND;
	if (there && there->slot == n->f.slot && there->id == n->f.id && same_tuple(&there->to, &n->f.to)) {
		merge(n, there);
		if (!half || n->what == HALF_OPEN)
			return TAKEN;
	} else if (there) {
		if (there->seen > n->f.seen)
			return TAKEN;
		forget(&n->k, there, n->nobody);
	}
	other_key(&other, &n->k, &n->f.to);
	if (n->f.to.dport && !yields(n, &other))
		return NO_PORT;
	if (n->what == HALF_OPEN)
		return open_half(n);
	return promote(&n->k, &n->f, n->nobody) ? TAKEN : NO_ROOM;
}
