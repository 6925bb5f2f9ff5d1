// SPDX-License-Identifier: Apache-2.0 OR MIT OR GPL-2.0-only
//
// Counting, for each CPU.

#pragma once

#include "maps.h"

// noted is why the packet at hand was dropped or answered, for who traces it.
struct noted {
	__u32 slot;
	__u8 noted, reason;
	__u16 zero;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct noted);
} hf_noted SEC(".maps");

always int dropped(__u32 slot, enum reason why)
{
	struct counters *n = bpf_map_lookup_elem(&hf_counters, &slot);
	__u32 zero = 0, at = why;
	struct noted *note = bpf_map_lookup_elem(&hf_noted, &zero);

	if (note) {
		note->slot = slot;
		note->noted = 1;
		note->reason = why;
	}
	asm volatile("" : "+r"(at)); // what was checked is what is used
	if (n && at < REASONS)
		n->drops[at]++;
	return DROP;
}

always void counted(__u32 slot, enum side from, __u32 bytes)
{
	struct counters *n = bpf_map_lookup_elem(&hf_counters, &slot);

	if (!n)
		return;
	if (from == CLIENT) {
		n->packets_in++;
		n->bytes_in += bytes;
	} else {
		n->packets_out++;
		n->bytes_out += bytes;
	}
}

always struct tally *tally_of(__u32 slot)
{
	return bpf_map_lookup_elem(&hf_tallies, &slot);
}

// target_of gives the target in a slot, if it still is the one that had this id.
always struct target *target_of(__u32 slot, __u32 service, __u32 id)
{
	struct target *t = bpf_map_lookup_elem(&hf_targets, &slot);

	return t && id && t->id == id && t->service == service ? t : 0;
}

// more says that a target, and its service, have more flows, or fewer. Of a
// target that is gone there is nothing to count: its slot may be another's.
always void more(__u32 slot, __u32 service, __u32 id, __u32 nobody, __s64 n)
{
	struct tally *t = tally_of(slot);

	if (t && target_of(slot, service, id))
		__sync_fetch_and_add(&t->flows, n);
	t = tally_of(nobody);
	if (t)
		__sync_fetch_and_add(&t->flows, n);
}

always void was_made(__u32 slot)
{
	struct counters *n = bpf_map_lookup_elem(&hf_counters, &slot);

	if (n)
		n->made++;
}

always void has_begun(__u32 slot)
{
	struct counters *n = bpf_map_lookup_elem(&hf_counters, &slot);

	if (n)
		n->began++;
}
