// SPDX-License-Identifier: Apache-2.0 OR MIT OR GPL-2.0-only
//
// Where a packet goes: what the kernel's routing table says, as if it forwarded
// it itself.

#pragma once

#include "count.h"
#include "parse.h"

#define AF_INET 2
#define AF_INET6 10

// route sends a packet towards an address. Where the neighbour is not known,
// the kernel asks for it and keeps the packet until then.
static __noinline int route(ctx *c, const struct tuple *t, __u32 slot)
{
	struct bpf_fib_lookup fib = { .ifindex = c->ifindex };
	int ip4 = t->dst.w[2] == bpf_htonl(0xffff) && !t->dst.w[1] && !t->dst.w[0];
	struct bpf_redir_neigh next;

	if (ip4) {
		fib.family = AF_INET;
		fib.ipv4_src = t->src.w[3];
		fib.ipv4_dst = t->dst.w[3];
	} else {
		fib.family = AF_INET6;
		__builtin_memcpy(fib.ipv6_src, &t->src, sizeof(t->src));
		__builtin_memcpy(fib.ipv6_dst, &t->dst, sizeof(t->dst));
	}
	switch (bpf_fib_lookup(c, &fib, sizeof(fib), 0)) {
	case BPF_FIB_LKUP_RET_SUCCESS: {
		__u8 macs[2 * ETH_ALEN];

		__builtin_memcpy(macs, fib.dmac, ETH_ALEN);
		__builtin_memcpy(macs + ETH_ALEN, fib.smac, ETH_ALEN);
		if (store(c, 0, macs, sizeof(macs)))
			return dropped(slot, BROKEN);
		return bpf_redirect(fib.ifindex, 0);
	}
	case BPF_FIB_LKUP_RET_NO_NEIGH:
		next.nh_family = fib.family;
		__builtin_memcpy(next.ipv6_nh, fib.ipv6_dst, sizeof(next.ipv6_nh));
		return bpf_redirect_neigh(fib.ifindex, &next, sizeof(next), 0);
	case BPF_FIB_LKUP_RET_FRAG_NEEDED:
		return dropped(slot, TOO_BIG);
	}
	return dropped(slot, NO_ROUTE);
}
