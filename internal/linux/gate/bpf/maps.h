// SPDX-License-Identifier: Apache-2.0 OR MIT OR GPL-2.0-only
//
// What the gate knows, in maps that Go and these programs share. Layouts are part
// of the contract between versions of holdfast: see LAYOUT in gate.c.

#pragma once

#include <linux/if_ether.h>
#include "holds.h"

// mac is a MAC address on an interface: a guarded virtual one, or (slot OWN)
// the interface's own, which is not guarded, but known not to be foreign.
struct mac {
	__u32 ifindex;
	__u8 mac[ETH_ALEN];
	__u16 zero;
};

#define OWN 0xffffffff

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, SLOTS * 2);
	__type(key, struct mac);
	__type(value, __u32);
} hf_macs SEC(".maps");

// router is a virtual router. The family is 4 or 6.
struct router {
	__u32 ifindex;
	__u8 family;
	__u8 vrid;
	__u16 zero;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, SLOTS);
	__type(key, struct router);
	__type(value, __u32);
} hf_routers SEC(".maps");

// reason says what was dropped. It is the place of a counter in struct drops.
enum reason {
	ARP_IN,     // requests for an address
	ND_IN,      // solicitations for an address
	PACKET_IN,  // packets to an address, frames to a virtual MAC
	ARP_OUT,    // ARP with an address as the sender
	ND_OUT,     // advertisements of an address, solicitations from it
	PACKET_OUT, // packets from an address, frames from a virtual MAC
	ADVERT_OUT, // adverts with a priority
	UNTOLD,     // not a drop: sightings that nobody was told of
	REASONS,
};

struct drops {
	__u64 n[REASONS];
};

// Counted with atomic additions, and not for each CPU: it happens on closed
// gates only, and a copy of 8192 lines for each of 128 CPUs is 64 MiB.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, SLOTS);
	__type(key, __u32);
	__type(value, struct drops);
} hf_drops SEC(".maps");
