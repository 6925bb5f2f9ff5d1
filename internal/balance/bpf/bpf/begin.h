// SPDX-License-Identifier: Apache-2.0 OR MIT OR GPL-2.0-only
//
// Whether a new flow may begin, and with which target.

#pragma once

#include "bind.h"

// hurried counts new flows of this second. Two CPUs that begin a second may let
// a few more pass.
always int hurried(const struct service *s, __u64 now)
{
	struct tally *n = tally_of(s->nobody);
	__u64 second = now / SECOND;

	if (!s->rate || !n)
		return 0;
	if (n->second != second) {
		n->second = second;
		n->began = 0;
	}
	return __sync_fetch_and_add(&n->began, 1) >= s->rate;
}

// undo takes back that a flow was to begin: another hook tries it again.
always void undo(const struct service *s)
{
	struct tally *n = tally_of(s->nobody);

	if (n && s->rate)
		__sync_fetch_and_add(&n->began, -1);
	if (n && s->select == IN_TURN && s->size)
		__sync_fetch_and_add(&n->turn, -1);
}

always int crowded(const struct service *s)
{
	const struct tally *n = tally_of(s->nobody);

	return s->max_flows && n && n->flows >= (__s64)s->max_flows;
}

apart int denied(const struct service *s, const struct key *k)
{
	if (!s || !k)
		return 1;
	struct source from = { .bits = 32 + 128, .service = bpf_htonl(s->number), .addr = k->t.src };

	return s->listed && !bpf_map_lookup_elem(&hf_allowed, &from);
}

// bound gives the target that the client had last, if it may have it again.
apart int bound(const struct service *s, const struct client *from, __u64 now)
{
	if (!s || !from)
		return NONE;
	const struct bond *b = bpf_map_lookup_elem(&hf_bonds, from);
	const struct target *t;
	__s64 flows;

	if (!b || b->until <= now)
		return NONE;
	t = target_of(b->slot, s->number, b->id);
	return t && open_to(b->slot, t, &flows) == 1 ? (int)b->slot : NONE;
}

// pick chooses the target of a new flow. It leaves in from who the client is for
// affinity.
apart int pick(const struct service *s, const struct key *k, struct client *from, __u64 now, struct choice *ch)
{
	if (!s || !k || !from || !ch)
		return 0;
	from->service = s->number;
	part(&from->source, &k->t.src, s->source);
	ch->hash = hash_flow(s->seed, k);
	ch->slot = s->affinity ? bound(s, from, now) : NONE;
	if (ch->slot >= 0)
		return 0;
	if (s->select == BY_SOURCE)
		ch->source = hash_source(s->seed, &from->source);
	choose(s, ch);
	return 0;
}

// foretold says whether the table knows whose a flow is that was never seen here:
// one of hashes does. With full NAT that is not enough: the backend knows a port
// of ours, and another one would be another connection to it.
always int foretold(const struct service *s)
{
	return s->select <= BY_SOURCE && s->forward != FULL_NAT;
}

// begin makes a new flow, or says why not.
apart int begin(const struct service *s, const struct packet *p, struct binding *b)
{
	if (!s || !p || !b)
		return BROKEN;
	struct client from = {};
	struct choice ch = {};
	const struct target *t;
	__u64 now = bpf_ktime_get_coarse_ns();
	__u32 slot;

	if (p->fragment == LATER)
		return NO_FLOW;
	// In the middle of a connection: the table may know where it was going, also
	// on a node that has just taken over.
	if (p->k.proto == IPPROTO_TCP && !is_syn(p) && (p->flags & (TCP_RST | TCP_SYN) || !foretold(s)))
		return NO_FLOW;
	if (denied(s, &p->k))
		return DENIED;
	if (crowded(s))
		return LIMITED;
	if (hurried(s, now))
		return HURRIED;
	pick(s, &p->k, &from, now, &ch);
	if (ch.slot < 0)
		return ch.slot == FULL ? LIMITED : REFUSED;
	__builtin_memset(b, 0, sizeof(*b));
	slot = ch.slot;
	t = bpf_map_lookup_elem(&hf_targets, &slot);
	if (!t)
		return REFUSED;
	b->f.seen = now;
	b->f.service = s->number;
	b->f.slot = slot;
	b->f.id = t->id;
	// A node that has just taken over may see no more of a connection than its end.
	if (p->k.proto == IPPROTO_TCP && p->flags & TCP_FIN)
		b->f.ends = CLIENT_FIN;
	b->back.t.src = t->addr;
	b->back.t.sport = t->port;
	b->back.proto = p->k.proto;
	b->back.side = BACKEND;
	if (!bind(s, &p->k, b, (__u32)ch.hash))
		return EXHAUSTED;
	if (!two_way(s->forward) && is_syn(p))
		tell_half(&p->k, &b->f, now / SECOND); // its answer is not seen here
	if (s->affinity) {
		struct bond bond = { .slot = slot, .id = t->id, .until = now + s->affinity };

		bpf_map_update_elem(&hf_bonds, &from, &bond, BPF_ANY);
	}
	has_begun(slot);
	return -1;
}
