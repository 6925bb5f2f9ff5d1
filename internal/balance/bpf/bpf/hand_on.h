// SPDX-License-Identifier: Apache-2.0 OR MIT OR GPL-2.0-only
//
// What one hook hands on to the next, which sees the packet as it came. In tc
// there is nobody to hand anything to.

#pragma once

#include "flows.h"

#if HANDS_ON

// usual says whether a packet is worth a look here. What is in several buffers
// is not: who it is sent to may not take such frames.
always int usual(const ctx *c, const struct packet *p)
{
	if (p->k.proto != IPPROTO_TCP && p->k.proto != IPPROTO_UDP)
		return 0;
	return p->fragment == WHOLE && p->hops > 1 && length(c) >= p->l3 + p->bytes;
}

always int slot_of(const ctx *c, const struct addr *a)
{
	struct address key = { .ip = { a->w[0], a->w[1], a->w[2], a->w[3] } };

	if ((a->w[0] & bpf_htonl(0xffc00000)) == bpf_htonl(0xfe800000))
		key.scope = arrived_on(c);
	return find(&key);
}

// held says whether the gate, which this hook is before, would let a packet of
// a service pass: its address is held now. A virtual MAC has to be of the same
// router; any other case is for the gate itself.
always int held(ctx *c, struct packet *p, const struct addr *service)
{
	const struct hold *h;
	__u16 mac[4];

	p->slot = slot_of(c, service);
	if (p->slot == NOBODY)
		return 0;
	h = hold_of(p->slot);
	if (!h || !open_until(&h->served))
		return 0;
	if (!p->virtual)
		return 1;
	return !load(c, 0, mac, sizeof(mac)) && mac[0] == h->mac[0] && mac[1] == h->mac[1] && mac[2] == h->mac[2] && arrived_on(c) == h->ifindex;
}

// closed says the same of another address that a packet has or gets, which may
// be nobody's.
always int closed(ctx *c, const struct packet *p, const struct addr *a)
{
	int slot = slot_of(c, a);
	const struct hold *h;

	if (slot == NOBODY || slot == p->slot)
		return 0;
	h = hold_of(slot);
	return !h || !open_until(&h->served);
}

// handed_on says whether a packet that would leave from an address is for the
// next hook. Nothing of it was changed yet.
always int handed_on(ctx *c, const struct packet *p, const struct bpf_fib_lookup *fib, long found, const struct addr *from)
{
	__u32 to = fib->ifindex;

	if (found != BPF_FIB_LKUP_RET_SUCCESS)
		return 1;
	if (to != arrived_on(c) && !bpf_map_lookup_elem(&hf_native, &to))
		return 1;
	return closed(c, p, from) || closed(c, p, &p->k.t.dst);
}

// note_first has the next hook know a flow that began here as a new one.
always int note_first(const struct packet *p)
{
	struct flow *f = bpf_map_lookup_elem(&hf_half, &p->k);

	if (f)
		__sync_fetch_and_or(&f->ends, HANDED);
	return PASS;
}

#else

always int usual(const ctx *c, const struct packet *p)
{
	(void)c;
	(void)p;
	return 1;
}

always int held(ctx *c, struct packet *p, const struct addr *service)
{
	(void)c;
	(void)p;
	(void)service;
	return 1; // the gate comes first
}

always int handed_on(ctx *c, const struct packet *p, const struct bpf_fib_lookup *fib, long found, const struct addr *from)
{
	(void)c;
	(void)p;
	(void)fib;
	(void)found;
	(void)from;
	return 0;
}

always int note_first(const struct packet *p)
{
	(void)p;
	return PASS;
}

#endif

// first_again says whether the hook before us has begun a flow with this packet.
always int first_again(struct flow *f)
{
	if (!(f->ends & HANDED))
		return 0;
	__sync_fetch_and_and(&f->ends, ~HANDED);
	return 1;
}
