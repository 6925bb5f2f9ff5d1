// SPDX-License-Identifier: Apache-2.0 OR MIT OR GPL-2.0-only
//
// Where a packet goes: what the kernel's routing table says, as if it forwarded
// it itself.

#pragma once

#include "count.h"
#include "hops.h"

#define AF_INET 2
#define AF_INET6 10

// The index that lo has in every network namespace.
#define LOOPBACK 1

always int is_ip4(const struct addr *a)
{
	return a->w[2] == bpf_htonl(0xffff) && !a->w[1] && !a->w[0];
}

always int unspecified(const struct addr *a)
{
	return !a->w[3] && !a->w[2] && !a->w[1] && !a->w[0];
}

// ask_route asks the kernel the way to an address, for so many bytes from the IP
// header on.
//
// On an interface that does not forward, it is asked as for a packet of this
// machine itself: a balancer need not be a router for everybody.
apart int ask_route(ctx *c, const struct addr *src, const struct addr *dst, __u32 bytes, struct bpf_fib_lookup *fib)
{
	if (!src || !dst || !fib)
		return BPF_FIB_LKUP_RET_NOT_FWDED;
	long found;

	fib->ifindex = arrived_on(c);
	fib->tot_len = bytes;
	if (is_ip4(dst)) {
		fib->family = AF_INET;
		fib->ipv4_src = src->w[3];
		fib->ipv4_dst = dst->w[3];
	} else {
		fib->family = AF_INET6;
		__builtin_memcpy(fib->ipv6_src, src, sizeof(*src));
		__builtin_memcpy(fib->ipv6_dst, dst, sizeof(*dst));
	}
	found = bpf_fib_lookup(c, fib, sizeof(*fib), 0);
	if (found == BPF_FIB_LKUP_RET_FWD_DISABLED) {
		fib->ifindex = LOOPBACK;
		found = bpf_fib_lookup(c, fib, sizeof(*fib), 0);
	}
	return found;
}

// find_route is ask_route, for what is sent often.
always long find_route(ctx *c, const struct addr *src, const struct addr *dst, __u32 bytes, struct bpf_fib_lookup *fib)
{
	struct hop *h = hop_at(src, dst);
	long found;

	if (h && known_hop(c, h, src, dst, bytes, fib))
		return BPF_FIB_LKUP_RET_SUCCESS;
	found = ask_route(c, src, dst, bytes, fib);
	if (h && found == BPF_FIB_LKUP_RET_SUCCESS)
		note_hop(c, h, src, dst, fib);
	return found;
}

// set_macs makes a frame for the next hop.
always int set_macs(ctx *c, const struct bpf_fib_lookup *fib)
{
	__u8 macs[2 * ETH_ALEN];

	__builtin_memcpy(macs, fib->dmac, ETH_ALEN);
	__builtin_memcpy(macs + ETH_ALEN, fib->smac, ETH_ALEN);
	return store(c, 0, macs, sizeof(macs));
}

// leave sends a packet there.
apart int leave(ctx *c, const struct bpf_fib_lookup *fib, long found, __u32 slot)
{
	if (!fib)
		return DROP;
	if (found == BPF_FIB_LKUP_RET_SUCCESS) {
		if (set_macs(c, fib))
			return dropped(slot, BROKEN);
		return redirect(c, fib->ifindex);
	}
#if !HANDS_ON
	if (found == BPF_FIB_LKUP_RET_NO_NEIGH)
		return to_neighbour(c, fib);
#endif
	return dropped(slot, found == BPF_FIB_LKUP_RET_FRAG_NEEDED ? TOO_BIG : NO_ROUTE);
}
