// SPDX-License-Identifier: Apache-2.0 OR MIT OR GPL-2.0-only
//
// Beginning a flow: what its packets are translated to, so that the backend's
// answers belong to it alone.

#pragma once

#include "flows.h"
#include "select.h"

// PROBES is how many ports are tried. The last half of them may also be of
// flows that have ended and are only remembered: else connections that end soon
// would use up all ports there are.
#define PROBES 16
#define UNUSED 8

struct binding {
	struct key back; // of the backend's packets
	struct flow f;
};

// SCATTER is how far apart the ports are that are tried after the first one: those
// of connections that stay lie side by side.
#define SCATTER 0x9e3779b1

// candidate sets what the backend sees as the source, the i-th try. NAT leaves
// the client's own, unless another flow of the same client, to another service,
// has it at this backend. Full NAT goes through its ports in turn: the backend
// remembers a connection that it has closed for a minute (TIME_WAIT), and may
// refuse another one from the same port until then (RFC 7323 §5.2), so a port
// should come again as late as can be.
always void candidate(const struct service *s, const struct key *k, struct binding *b, __u32 hash, __u32 i)
{
	__u32 ports = s->ports ?: 1, all = ports, at = hash + i * SCATTER, slot = b->f.slot;
	const struct addr *a;

	if (s->forward == NAT) {
		b->back.t.dst = k->t.src;
		if (!i) {
			b->back.t.dport = k->t.sport;
			return;
		}
	} else {
		struct tally *n = tally_of(slot);

		all *= s->translates ?: 1;
		if (!i && n)
			at = __sync_fetch_and_add(&n->turn, 1);
		at %= all;
		slot = s->translate + at / ports;
		a = bpf_map_lookup_elem(&hf_translate, &slot);
		if (a)
			b->back.t.dst = *a;
	}
	b->back.t.dport = bpf_htons(s->port + at % ports);
}

// listens says whether a service is at an address and port: what comes there is a
// client's, and no backend's answer.
apart int listens(const struct key *back)
{
	if (!back)
		return 0;
	struct vip v = { .addr = back->t.dst, .port = back->t.dport, .proto = back->proto };

	return !!bpf_map_lookup_elem(&hf_vips, &v);
}

// vacate forgets a flow that both ends have closed, by the key of the backend's
// packets.
apart int vacate(const struct key *back, const struct flow *there)
{
	if (!back || !there)
		return 0;
	const struct flow *f;
	struct key client;

	if (!CLOSED(there->ends))
		return 0;
	other_key(&client, back, &there->to);
	f = bpf_map_lookup_elem(&hf_flows, &client);
	if (!f || !CLOSED(f->ends))
		return 0;
	give_up(&client, f, 0); // it is counted nowhere any more
	return 1;
}

// claim takes a key for the backend's packets, if nobody has it, or nobody uses it.
apart int claim(const struct key *k, struct binding *b, int used)
{
	if (!k || !b)
		return 0;
	const struct flow *there = bpf_map_lookup_elem(&hf_flows, &b->back);

	if (there && !answers(there, &k->t)) {
		if (!used || !vacate(&b->back, there))
			return 0;
	} else if (there) {
		bpf_map_delete_elem(&hf_flows, &b->back); // left over from this very flow
	}
	if (!bpf_map_update_elem(&hf_half, &b->back, &b->f, BPF_NOEXIST))
		return 1;
	there = bpf_map_lookup_elem(&hf_half, &b->back);
	if (!there || !answers(there, &k->t))
		return 0;
	return !bpf_map_update_elem(&hf_half, &b->back, &b->f, BPF_ANY);
}

// bind makes the flow of a client's packet, with the way back first. It says
// whether there was a port. What the flow becomes is left in b->f.
apart int bind(const struct service *s, const struct key *k, struct binding *b, __u32 hash)
{
	if (!s || !k || !b)
		return 0;
	if (!two_way(s->forward)) {
		b->f.to.dst = b->back.t.src;
		b->f.to.src = k->t.src;
		b->f.to.dport = 0;
		b->f.to.sport = 0;
		return !bpf_map_update_elem(&hf_half, k, &b->f, BPF_ANY);
	}
	turned(&b->f.to, &k->t);
	for (__u32 i = 0; i < PROBES; i++) {
		candidate(s, k, b, hash, i);
		if (s->forward == FULL_NAT && listens(&b->back))
			continue;
		if (!claim(k, b, i >= UNUSED))
			continue;
		turned(&b->f.to, &b->back.t);
		if (!bpf_map_update_elem(&hf_half, k, &b->f, BPF_ANY))
			return 1;
		bpf_map_delete_elem(&hf_half, &b->back);
		return 0;
	}
	return 0;
}
