// SPDX-License-Identifier: Apache-2.0 OR MIT OR GPL-2.0-only
//
// The last step of a packet: in which form it leaves, and where to.

#pragma once

#include "hand_on.h"
#include "learn.h"
#include "rewrite.h"
#include "too_big.h"
#include "wrap.h"

// send_translated is for both directions of NAT and full NAT.
static __noinline int send_translated(ctx *c, const struct packet *p, const struct flow *f)
{
	struct bpf_fib_lookup fib = {};
	__u32 slot = f->slot;
	long found;

	if (p->hops <= 1)
		return dropped(slot, EXPIRED);
	found = find_route(c, &f->to.src, &f->to.dst, p->size, &fib);
	if (handed_on(c, p, &fib, found, &f->to.src))
		return PASS;
	if (found == BPF_FIB_LKUP_RET_FRAG_NEEDED && p->dont)
		return too_big(c, p, fib.mtu_result, slot);
	if (rewrite(c, p, f))
		return dropped(slot, BROKEN);
	// The kernel routes it as well, and cuts it to size.
	if (found == BPF_FIB_LKUP_RET_FRAG_NEEDED)
		return PASS;
	return leave(c, &fib, found, slot);
}

// send_as_it_is leaves the packet as the client sent it: only the frame is for
// the backend (direct return).
static __noinline int send_as_it_is(ctx *c, const struct packet *p, const struct flow *f)
{
	struct bpf_fib_lookup fib = {};
	long found = find_route(c, &f->to.src, &f->to.dst, p->size, &fib);

	if (handed_on(c, p, &fib, found, &f->to.src))
		return PASS;
	if (found == BPF_FIB_LKUP_RET_FRAG_NEEDED)
		return too_big(c, p, fib.mtu_result, f->slot);
	return leave(c, &fib, found, f->slot);
}

static __noinline int send_wrapped(ctx *c, const struct packet *p, const struct flow *f, __u32 encapsulation, __u32 hash)
{
	struct bpf_fib_lookup fib = {};
	__u32 slot = f->slot, room, mtu;
	const struct target *t = bpf_map_lookup_elem(&hf_targets, &slot);
	long found;

	if (!t)
		return dropped(slot, ENDED);
	if (unspecified(&t->from))
		return dropped(slot, NO_ROUTE);
	room = overhead(encapsulation, &t->addr);
	mtu = learned(&t->addr);
	if (mtu && p->size + room > mtu) {
		found = BPF_FIB_LKUP_RET_FRAG_NEEDED;
		fib.mtu_result = mtu;
	} else {
		found = find_route(c, &t->from, &t->addr, p->size + room, &fib);
	}
	if (handed_on(c, p, &fib, found, &t->from))
		return PASS;
	if (found == BPF_FIB_LKUP_RET_FRAG_NEEDED)
		return too_big(c, p, fib.mtu_result - room, slot);
	if (wrap(c, p, t, encapsulation, hash))
		return dropped(slot, BROKEN);
	return leave(c, &fib, found, slot);
}

// sent counts a packet. What is handed on is counted there.
always int sent(int verdict, const struct packet *p, const struct flow *f)
{
	if (!HANDS_ON || verdict != PASS)
		counted(f->slot, p->k.side, p->bytes);
	return verdict;
}

// send sends a client's packet, or what concerns the flow that has k.
always int send(ctx *c, const struct service *s, const struct packet *p, const struct key *k, const struct flow *f)
{
	switch (s->forward) {
	case DSR:
		return send_as_it_is(c, p, f);
	case TUNNEL:
		return send_wrapped(c, p, f, s->encapsulation, s->encapsulation == GUE ? hash_flow(s->seed, k) : 0);
	}
	return send_translated(c, p, f);
}
