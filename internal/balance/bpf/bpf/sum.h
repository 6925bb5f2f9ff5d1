// SPDX-License-Identifier: Apache-2.0 OR MIT OR GPL-2.0-only
//
// Checksums of the internet (RFC 1071). The kernel's helper for them costs more
// than a few words take.

#pragma once

#include "hook.h"

// folded is the checksum of what adds up to a sum.
always __u16 folded(__s64 sum)
{
	sum = (sum & 0xffff) + ((sum >> 16) & 0xffff) + ((sum >> 32) & 0xffff);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~(sum + (sum >> 16));
}

// amended is a checksum after a change (RFC 1624 §3, equation 3).
always __be16 amended(__be16 sum, __s64 diff)
{
	return folded((__s64)(__u16)~sum + (diff & 0xffffffff));
}

// changed is the difference that other words make, in at most 40 bits.
always __u64 changed(const __be32 *from, const __be32 *to, int n)
{
	__u64 sum = 0;

	for (int i = 0; i < n; i++)
		sum += (__u64)to[i] + (__u32)~from[i];
	return sum;
}

// short_of is a sum in 32 bits.
always __u64 short_of(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	return (sum & 0xffffffff) + (sum >> 32);
}
