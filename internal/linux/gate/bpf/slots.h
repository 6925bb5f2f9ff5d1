// SPDX-License-Identifier: Apache-2.0 OR MIT OR GPL-2.0-only
//
// Slots: is what leads to one open, and what was dropped when it was not.

#pragma once

#include "maps.h"
#include "verdict.h"

always void count(__u32 slot, enum reason why)
{
	struct drops *d = bpf_map_lookup_elem(&hf_drops, &slot);

	if (d)
		__sync_fetch_and_add(&d->n[why], 1);
}

always int if_announced(__u32 slot, enum reason why)
{
	const struct hold *h = hold_of(slot);

	if (h && open_until(&h->announced))
		return PASS;
	count(slot, why);
	return DROP;
}

always int if_served(__u32 slot, enum reason why)
{
	const struct hold *h = hold_of(slot);

	if (h && open_until(&h->served))
		return PASS;
	count(slot, why);
	return DROP;
}
