// SPDX-License-Identifier: Apache-2.0 OR MIT OR GPL-2.0-only
//
// Adverts leave only while they are true.

#pragma once

#include "slots.h"

#define IPPROTO_VRRP 112

// vrrp is what versions 2 and 3 have in common (RFC 3768 §5.1, RFC 9568 §5.1).
struct vrrp {
	__u8 version_type;
	__u8 vrid;
	__u8 priority;
	__u8 addresses;
};

// advert_out judges an advert of one of our routers. An advert with priority 0 says that this node does not hold: it always
// may.
static __noinline int advert_out(struct __sk_buff *skb, __u32 l4, int family)
{
	struct router r = { .ifindex = skb->ifindex, .family = family };
	const struct hold *h;
	struct vrrp v;
	__u32 *slot;

	if (bpf_skb_load_bytes(skb, l4, &v, sizeof(v)))
		return NOTHING;
	r.vrid = v.vrid;
	slot = bpf_map_lookup_elem(&hf_routers, &r);
	if (!slot)
		return NOTHING;
	if (!v.priority)
		return PASS;
	h = hold_of(*slot);
	if (h && (open_until(&h->announced) || open_until(&h->advertised)))
		return PASS;
	count(*slot, ADVERT_OUT);
	return DROP;
}
