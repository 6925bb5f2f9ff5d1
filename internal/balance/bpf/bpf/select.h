// SPDX-License-Identifier: Apache-2.0 OR MIT OR GPL-2.0-only
//
// Which target a new flow gets.

#pragma once

#include "count.h"
#include "hash.h"
#include "parse.h"

// PASSED_OVER is how many further slots are looked at when a target is full.
#define PASSED_OVER 16

// SCANNED is how many targets LEAST looks at: Go puts no more into its table.
#define SCANNED 64

#define NONE -1
#define FULL -2

// open_to says whether a target takes new flows, and how many it has.
always int open_to(__u32 slot, const struct target *t, __s64 *flows)
{
	struct tally *n = tally_of(slot);

	*flows = n ? n->flows : 0;
	if (*flows < 0)
		*flows = 0;
	if (t->state != UP)
		return NONE;
	return t->max_flows && *flows >= t->max_flows ? FULL : 1;
}

// lighter compares (flows + 1) / weight.
always int lighter(__u64 flows, __u32 weight, __u64 than, __u32 its)
{
	return (flows + 1) * its < (than + 1) * weight;
}

struct choice {
	__u64 hash;   // of the flow
	__u64 source; // of the part of its source that counts
	__s32 slot;   // of hf_targets: the answer
	__s32 table_at;
};

// least looks at n slots of a table from one on and takes the lightest target.
apart int least(const struct service *s, struct choice *ch)
{
	if (!s || !ch)
		return 0;
	__u32 table = s->table, at = scaled(ch->hash >> 32, s->size), n = s->size;
	void *slots = bpf_map_lookup_elem(&hf_tables, &table);
	__u64 best_flows = 0;
	__u32 best_weight = 0;
	__s64 flows;

	ch->slot = NONE;
	if (!slots)
		return 0;
	for (__u32 i = 0; i < SCANNED; i++) {
		__u32 *slot;
		struct target *t;
		int open;

		if (i >= n)
			break;
		slot = bpf_map_lookup_elem(slots, &at);
		if (++at >= n)
			at = 0;
		if (!slot)
			continue;
		t = bpf_map_lookup_elem(&hf_targets, slot);
		if (!t)
			continue;
		open = open_to(*slot, t, &flows);
		if (open == FULL && ch->slot == NONE)
			ch->slot = FULL;
		if (open != 1)
			continue;
		if (ch->slot < 0 || lighter(flows, t->weight, best_flows, best_weight)) {
			ch->slot = *slot;
			best_flows = flows;
			best_weight = t->weight;
		}
	}
	return 0;
}

// from_slot takes the target in a slot of the table, or in one of the next
// ones when that is full.
apart int from_slot(const struct service *s, struct choice *ch)
{
	if (!s || !ch)
		return 0;
	__u32 table = s->table, at = ch->table_at;
	void *slots = bpf_map_lookup_elem(&hf_tables, &table);
	__s64 flows;

	ch->slot = NONE;
	if (!slots)
		return 0;
	for (int i = 0; i <= PASSED_OVER; i++) {
		__u32 *slot = bpf_map_lookup_elem(slots, &at);
		struct target *t;
		int open;

		if (++at >= s->size)
			at = 0;
		if (!slot)
			continue;
		t = bpf_map_lookup_elem(&hf_targets, slot);
		if (!t)
			continue;
		open = open_to(*slot, t, &flows);
		if (open == 1) {
			ch->slot = *slot;
			return 0;
		}
		if (open == FULL)
			ch->slot = FULL;
	}
	return 0;
}

always const struct target *in_table(const struct service *s, __u32 at, __u32 *slot, __s64 *flows)
{
	__u32 table = s->table;
	void *slots = bpf_map_lookup_elem(&hf_tables, &table);
	const struct target *t;
	__u32 *found;

	if (!slots)
		return 0;
	found = bpf_map_lookup_elem(slots, &at);
	if (!found)
		return 0;
	*slot = *found;
	t = bpf_map_lookup_elem(&hf_targets, slot);
	return t && open_to(*slot, t, flows) == 1 ? t : 0;
}

// of_two gives the lighter of two slots that the halves of the hash name. No
// client can aim it: the hash is keyed.
always __u32 of_two(const struct service *s, __u64 hash)
{
	__u32 first = scaled(hash >> 32, s->size), second = scaled((__u32)hash, s->size), slot;
	__s64 first_flows, second_flows;
	const struct target *a = in_table(s, first, &slot, &first_flows);
	const struct target *b = in_table(s, second, &slot, &second_flows);

	if (a && b)
		return lighter(second_flows, b->weight, first_flows, a->weight) ? second : first;
	return b ? second : first;
}

// choose sets the slot of a target, NONE or FULL.
always void choose(const struct service *s, struct choice *ch)
{
	struct tally *n;

	ch->slot = NONE;
	if (!s->size)
		return;
	switch (s->select) {
	case LEAST:
		least(s, ch);
		return;
	case BY_SOURCE:
		ch->table_at = scaled(ch->source >> 32, s->size);
		break;
	case IN_TURN:
		n = tally_of(s->nobody);
		if (!n)
			return;
		ch->table_at = __sync_fetch_and_add(&n->turn, 1) % s->size;
		break;
	case LEAST_OF_TWO:
		ch->table_at = of_two(s, ch->hash);
		break;
	default:
		ch->table_at = scaled(ch->hash >> 32, s->size);
	}
	from_slot(s, ch);
}
