// SPDX-License-Identifier: Apache-2.0 OR MIT OR GPL-2.0-only
//
// The hash of flows: SipHash-1-3, as internal/balance/flowhash has it.

#pragma once

#include "maps.h"

struct sip {
	__u64 v0, v1, v2, v3;
};

#define ROTATE(x, n) (((x) << (n)) | ((x) >> (64 - (n))))

always void sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v1 = ROTATE(s->v1, 13) ^ s->v0;
	s->v0 = ROTATE(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = ROTATE(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = ROTATE(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = ROTATE(s->v1, 17) ^ s->v2;
	s->v2 = ROTATE(s->v2, 32);
}

always void sip_begin(struct sip *s, const __u64 *seed)
{
	s->v0 = seed[0] ^ 0x736f6d6570736575ull;
	s->v1 = seed[1] ^ 0x646f72616e646f6dull;
	s->v2 = seed[0] ^ 0x6c7967656e657261ull;
	s->v3 = seed[1] ^ 0x7465646279746573ull;
}

always void sip_word(struct sip *s, __u64 m)
{
	s->v3 ^= m;
	sip_round(s);
	s->v0 ^= m;
}

always __u64 sip_end(struct sip *s)
{
	s->v2 ^= 0xff;
	sip_round(s);
	sip_round(s);
	sip_round(s);
	return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

// pair is two words as they are in a packet, read as little endian.
always __u64 pair(__be32 a, __be32 b)
{
	return (__u64)__builtin_bswap32(bpf_ntohl(a)) | (__u64)__builtin_bswap32(bpf_ntohl(b)) << 32;
}

always void sip_addr(struct sip *s, const struct addr *a)
{
	sip_word(s, pair(a->w[0], a->w[1]));
	sip_word(s, pair(a->w[2], a->w[3]));
}

always __u64 hash_flow(const __u64 *seed, const struct key *k)
{
	struct sip s;

	sip_begin(&s, seed);
	sip_addr(&s, &k->t.src);
	sip_addr(&s, &k->t.dst);
	sip_word(&s, (__u64)__builtin_bswap16(bpf_ntohs(k->t.sport)) | (__u64)__builtin_bswap16(bpf_ntohs(k->t.dport)) << 16 |
			     (__u64)k->proto << 32 | 37ull << 56);
	return sip_end(&s);
}

always __be32 masked(__be32 word, int bits)
{
	if (bits >= 32)
		return word;
	return bits <= 0 ? 0 : word & bpf_htonl(~(0xffffffffu >> bits));
}

// part is so many bits of an address.
always void part(struct addr *to, const struct addr *a, int bits)
{
	to->w[0] = masked(a->w[0], bits);
	to->w[1] = masked(a->w[1], bits - 32);
	to->w[2] = masked(a->w[2], bits - 64);
	to->w[3] = masked(a->w[3], bits - 96);
}

always __u64 hash_source(const __u64 *seed, const struct addr *source)
{
	struct sip s;

	sip_begin(&s, seed);
	sip_addr(&s, source);
	sip_word(&s, 16ull << 56);
	return sip_end(&s);
}

// scaled is a place among n of what 32 bits say.
always __u32 scaled(__u32 bits, __u32 n)
{
	return ((__u64)bits * n) >> 32;
}
