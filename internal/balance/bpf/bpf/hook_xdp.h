// SPDX-License-Identifier: Apache-2.0 OR MIT OR GPL-2.0-only
//
// The native hook of XDP: see hook.h. It sees frames as the wire has them, before
// the kernel makes a packet of them: checksums are complete, tags are in the
// frame, and there is nobody who keeps a packet until a neighbour answers.
//
// It does what is usual and nothing else. All that is not is handed on, as it
// came, to the program of tc, which is on every interface that this one is on.

#pragma once

#include "../../../linux/gate/bpf/holds.h"

typedef struct xdp_md ctx;

#define HOOK "xdp.frags"
#define PROGRAM holdfast_lbx
#define HANDS_ON 1

#define PASS XDP_PASS
#define DROP XDP_DROP

// hf_native has the interfaces that take frames from this hook.
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, __u32);
} hf_native SEC(".maps");

always __u32 arrived_on(const ctx *c)
{
	return c->ingress_ifindex;
}

#include "reach.h"

always int load(ctx *c, __u32 at, void *to, __u32 n)
{
	const void *from = header(c, at, n);

	if (!from)
		return -1;
	copy(to, from, n);
	return 0;
}

always int store(ctx *c, __u32 at, const void *from, __u32 n)
{
	void *to = header(c, at, n);

	if (!to)
		return -1;
	copy(to, from, n);
	return 0;
}

// peek reads as many bytes of the beginning as n says, more than none.
always int peek(ctx *c, void *to, __u32 n)
{
	return bpf_xdp_load_bytes(c, 0, to, n);
}

// length is that of the first buffer.
always __u32 length(const ctx *c)
{
	__u64 n = (void *)(long)c->data_end - (void *)(long)c->data;

	asm volatile("" : "+r"(n)); // pointers have 64 bits
	return n;
}

always __u32 piece(const ctx *c)
{
	(void)c;
	return 0;
}

always int add_room(ctx *c, __s32 n, __u64 flags)
{
	__u32 ether[4]; // and two bytes more, to move four at a time

	(void)flags;
	if (load(c, 0, ether, sizeof(ether)) || bpf_xdp_adjust_head(c, -n))
		return -1;
	return store(c, 0, ether, sizeof(ether));
}

// cut leaves that many bytes of a frame, which is in one buffer: see usual().
always int cut(ctx *c, __u32 n)
{
	return bpf_xdp_adjust_tail(c, (int)n - (int)length(c));
}

// of_vlan: a tag is in the frame, where it is not IP for us.
always int of_vlan(const ctx *c)
{
	(void)c;
	return 0;
}

// for_us: the interface's own MAC is in hf_macs, as the virtual ones.
always int for_us(const ctx *c)
{
	(void)c;
	return 0;
}

// mend brings a checksum up to date.
always int mend(ctx *c, __u32 at, __s64 diff, int udp)
{
	__u16 *sum = header(c, at, sizeof(*sum));

	if (!sum)
		return -1;
	if (udp && !*sum)
		return 0; // there is none (RFC 768, RFC 6936 §5)
	*sum = amended(*sum, diff);
	if (udp && !*sum)
		*sum = 0xffff; // the same number, and not "none"
	return 0;
}

always int transport_sum(ctx *c, __u32 at, __s64 diff, enum sum_of what, int family, int udp)
{
	(void)what;
	(void)family;
	return mend(c, at, diff, udp);
}

// refill is store: nobody keeps a sum of the whole frame.
always int refill(ctx *c, __u32 at, const void *from, __u32 n)
{
	return store(c, at, from, n);
}

always int unfinished(const ctx *c, __u32 at)
{
	(void)c;
	(void)at;
	return 0;
}

// send_copy: there is no second packet to be had.
always int send_copy(ctx *c, __u32 ifindex)
{
	(void)c;
	(void)ifindex;
	return -1;
}

always int redirect(ctx *c, __u32 ifindex)
{
	return ifindex == c->ingress_ifindex ? XDP_TX : bpf_redirect(ifindex, 0);
}
