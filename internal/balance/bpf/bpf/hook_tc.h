// SPDX-License-Identifier: Apache-2.0 OR MIT OR GPL-2.0-only
//
// The hook of tc, which every interface has: see hook.h.

#pragma once

typedef struct __sk_buff ctx;

#define HOOK "tc"
#define PROGRAM holdfast_lb
#define HANDS_ON 0

// PASS asks whoever comes after us on this interface; on a tcx hook the same
// number is TCX_NEXT. DROP is TCX_DROP.
#define PASS TC_ACT_UNSPEC
#define DROP TC_ACT_SHOT

always __u32 arrived_on(const ctx *c)
{
	return c->ifindex;
}

#include "reach.h"

// load asks the kernel only for what is not at hand: every call of it costs more
// than a header does.
always int load(ctx *c, __u32 at, void *to, __u32 n)
{
	const void *from = header(c, at, n);

	if (!from)
		return bpf_skb_load_bytes(c, at, to, n);
	copy(to, from, n);
	return 0;
}

// peek reads as many bytes of the beginning as n says, more than none.
always int peek(ctx *c, void *to, __u32 n)
{
	return bpf_skb_load_bytes(c, 0, to, n);
}

always int store(ctx *c, __u32 at, const void *from, __u32 n)
{
	return bpf_skb_store_bytes(c, at, from, n, 0);
}

// refill is store where what the packet was does not matter any more.
always int refill(ctx *c, __u32 at, const void *from, __u32 n)
{
	return bpf_skb_store_bytes(c, at, from, n, BPF_F_RECOMPUTE_CSUM);
}

always __u32 length(const ctx *c)
{
	return c->len;
}

// piece is how much payload each of the pieces has that a frame will be cut into
// on its way out: 0 where it stays whole.
always __u32 piece(const ctx *c)
{
	return c->gso_size;
}

// add_room makes room for a header before the IP header, or takes it away.
always int add_room(ctx *c, __s32 n, __u64 flags)
{
	return bpf_skb_adjust_room(c, n, BPF_ADJ_ROOM_MAC, flags);
}

// cut leaves that many bytes of a frame.
always int cut(ctx *c, __u32 n)
{
	return bpf_skb_change_tail(c, n, 0);
}

// of_vlan: the kernel has taken one tag off, if there was any. A frame of a VLAN
// belongs to another interface, a tag with VLAN 0 is about priority only (IEEE
// 802.1Q §6.9).
always int of_vlan(const ctx *c)
{
	return c->vlan_present && c->vlan_tci & 0xfff;
}

// for_us says whether the frame was sent to the interface itself.
always int for_us(const ctx *c)
{
	return c->pkt_type == PACKET_HOST;
}

// transport_sum brings that of TCP, UDP or ICMPv6 up to date, also where the
// sender has left it to the hardware: then what is there is the sum of the
// pseudo-header, which addresses are part of, and the content is not.
always int transport_sum(ctx *c, __u32 at, __s64 diff, enum sum_of what, int family, int udp)
{
	__u64 flags = (what == ADDRESSES ? BPF_F_PSEUDO_HDR : 0) | (udp ? BPF_F_MARK_MANGLED_0 : 0);

	if (bpf_l4_csum_replace(c, at, 0, diff, flags))
		return -1;
	// The kernel takes the difference off the sum of the whole packet, where
	// hardware has given one: right for IPv4, whose header has a checksum that
	// makes up for it.
	if (what == ADDRESSES && family == 6)
		bpf_csum_update(c, diff);
	return 0;
}

// unfinished says whether the sender has left the checksum at a place to the
// hardware. Then the kernel keeps it from any change of the content. The sum is
// of no more use after this.
always int unfinished(ctx *c, __u32 at)
{
	__be16 before, after;

	if (load(c, at, &before, sizeof(before)) || bpf_l4_csum_replace(c, at, 0, 1, 0) || load(c, at, &after, sizeof(after)))
		return 0;
	return before == after;
}

// send_copy sends a frame that is complete, and leaves the packet for more.
always int send_copy(ctx *c, __u32 ifindex)
{
	return bpf_clone_redirect(c, ifindex, 0);
}

// redirect sends a frame that is complete.
always int redirect(ctx *c, __u32 ifindex)
{
	(void)c;
	return bpf_redirect(ifindex, 0);
}

// to_neighbour sends a packet to a next hop whose MAC is not known: the kernel
// asks for it and keeps the packet until then.
always int to_neighbour(ctx *c, const struct bpf_fib_lookup *fib)
{
	struct bpf_redir_neigh next;

	(void)c;
	next.nh_family = fib->family;
	__builtin_memcpy(next.ipv6_nh, fib->ipv6_dst, sizeof(next.ipv6_nh));
	return bpf_redirect_neigh(fib->ifindex, &next, sizeof(next), 0);
}
