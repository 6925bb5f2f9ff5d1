//go:build ignore

// SPDX-License-Identifier: Apache-2.0 OR MIT OR GPL-2.0-only
//
// The gate: an address answers only while its hold is valid.
//
// Two programs on each interface that a group names, one for what arrives and
// one for what leaves. They find out whether a packet concerns an address, a
// virtual MAC or a virtual router of ours, and let it pass while the clock is
// before the instant that holdfast wrote into shared memory. Nobody has to be
// alive for a gate to close: the instant passes by itself.
//
// Everything that is not ours passes, and quickly: see hint().
//
// doc.go has the rules as a table. Layouts of maps are part of the contract
// between versions of holdfast: see LAYOUT.

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

// LAYOUT is in the names of the programs. A holdfast takes over the maps of a
// program with its own LAYOUT, and replaces others: so it changes with every
// change of a map's key, value or meaning.
#define LAYOUT 1
#define PASTE(a, b, c) a##b##_##c
#define NAME(layout, what) PASTE(holdfast, layout, what)

// PASS asks whoever comes after us on this interface; on a tcx hook the same
// number is TCX_NEXT. DROP is TCX_DROP.
#define PASS TC_ACT_UNSPEC
#define DROP TC_ACT_SHOT

// NOTHING is the answer of a part that has no say about a packet.
#define NOTHING 1

#define always static __always_inline

/* ---- Maps ------------------------------------------------------------- */

#define SLOTS 8192
#define ADDRESSES 32768

// address is a guarded address: IPv4 as ::ffff:a.b.c.d. The scope of a
// link-local IPv6 address is the interface, of every other one 0.
struct address {
	__u32 scope;
	__be32 ip[4];
};

// hold is what passes, and until when: nanoseconds of CLOCK_BOOTTIME. It fills
// a cache line, so that a store for one router does not take the line away
// from a CPU that looks at another. Writers store eight aligned bytes at once,
// so no reader ever sees half an instant.
//
// In the same line are one of the slot's addresses, which spares most packets
// the look into a hash table, and its virtual MAC. They are written while no
// hint leads to the slot.
struct hold {
	__u64 announced;
	__u64 served;
	__u64 advertised;
	struct address address;
	__u32 ifindex;
	__u16 mac[3];
	__u16 reserved[5];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, SLOTS);
	__type(key, __u32);
	__type(value, struct hold);
} hf_holds SEC(".maps");

// guarded is what an address leads to, and how often it was seen elsewhere
// lately.
struct guarded {
	__u32 slot;
	__u32 sighted; // since the instant below
	__u64 since;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, ADDRESSES);
	__type(key, struct address);
	__type(value, struct guarded);
} hf_addresses SEC(".maps");

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

// hints tells for what the last word of an address hashes to whether any
// guarded address has it: 0 for none, a slot + 1 where it is the address in
// that slot's line, or MANY. Most packets are of no concern to the gate, and
// one look here tells so.
#define HINT_BITS 16
#define MANY 0xffffffff

struct hints {
	__u32 slot[1 << HINT_BITS];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct hints);
} hf_hints SEC(".maps");

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

// sighting tells that somebody else uses an address of ours.
enum kind {
	ARP_CLAIM = 1, // ARP with our address as the sender
	ARP_PROBE,     // ARP that asks whether somebody has it (RFC 5227 §2.1.1)
	ND_CLAIM,      // a neighbour advertisement
	ND_SOURCE,     // a neighbour solicitation from our address
	ND_PROBE,      // duplicate address detection (RFC 4862 §5.4)
};

struct sighting {
	__u64 at;
	__u32 slot;
	__u32 ifindex;
	__be32 ip[4];
	__u8 mac[ETH_ALEN];
	__u8 kind;
	__u8 zero;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024); // a multiple of every page size there is
} hf_sightings SEC(".maps");

// At most this many sightings of an address are told in a second.
#define SIGHTINGS 10
#define SECOND 1000000000ull

/* ---- Slots ------------------------------------------------------------ */

always void count(__u32 slot, enum reason why)
{
	struct drops *d = bpf_map_lookup_elem(&hf_drops, &slot);

	if (d)
		__sync_fetch_and_add(&d->n[why], 1);
}

always const struct hold *hold_of(__u32 slot)
{
	return bpf_map_lookup_elem(&hf_holds, &slot);
}

// An instant is read once, as a whole.
always int open_until(const __u64 *instant)
{
	return bpf_ktime_get_boot_ns() < *(const volatile __u64 *)instant;
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

/* ---- Finding out whether something is ours ---------------------------- */

#define NOBODY -1

always __u32 hint(__be32 word)
{
	__u32 zero = 0, bucket = (word * 2654435761u) >> (32 - HINT_BITS);
	struct hints *h = bpf_map_lookup_elem(&hf_hints, &zero);

	return h ? h->slot[bucket] : MANY;
}

// find gives the slot of an address, or NOBODY.
always int find(const struct address *a)
{
	__u32 slot = hint(a->ip[3]);
	const struct guarded *g;

	if (!slot)
		return NOBODY;
	if (slot-- != MANY) {
		const struct hold *h = hold_of(slot);

		if (h && h->address.ip[3] == a->ip[3] && h->address.ip[2] == a->ip[2] && h->address.ip[1] == a->ip[1] &&
		    h->address.ip[0] == a->ip[0] && h->address.scope == a->scope)
			return slot;
	}
	g = bpf_map_lookup_elem(&hf_addresses, a);
	return g ? g->slot : NOBODY;
}

always void key4(struct address *a, __be32 ip)
{
	a->scope = 0;
	a->ip[0] = 0;
	a->ip[1] = 0;
	a->ip[2] = bpf_htonl(0xffff);
	a->ip[3] = ip;
}

always void key6(struct address *a, const struct __sk_buff *skb, const __be32 *ip)
{
	int link_local = (ip[0] & bpf_htonl(0xffc00000)) == bpf_htonl(0xfe800000);

	a->scope = link_local ? skb->ifindex : 0;
	a->ip[0] = ip[0];
	a->ip[1] = ip[1];
	a->ip[2] = ip[2];
	a->ip[3] = ip[3];
}

always int find4(__be32 ip)
{
	struct address a;

	key4(&a, ip);
	return find(&a);
}

always int find6(const struct __sk_buff *skb, const __be32 *ip)
{
	struct address a;

	key6(&a, skb, ip);
	return find(&a);
}

always __u32 *find_mac(const struct __sk_buff *skb, const __u8 *mac)
{
	struct mac m = { .ifindex = skb->ifindex };

	__builtin_memcpy(m.mac, mac, ETH_ALEN);
	return bpf_map_lookup_elem(&hf_macs, &m);
}

/* ---- Frames ----------------------------------------------------------- */

// A packet's first bytes can be read in place, and cheaply, where they are in
// one piece. Drivers, and programs with a packet socket, may have left them
// otherwise; then, and for all that is rarely wanted, they are copied by
// bpf_skb_load_bytes. Pointers into a packet are compared and moved by
// constants only: the verifier allows no more to who lacks CAP_PERFMON.

// link is a constant in each program: whether frames have an Ethernet header.
// On an interface without one, a packet begins with its IP header.
enum link { ETHER, BARE };

// side is too: the end of the wire that an address of ours is at.
enum side { DESTINATION, SOURCE };

struct frame {
	__u32 l3;     // where the payload begins
	__be16 proto; // of the payload; 0: none of our business
	__u16 mac[3]; // of that side
};

#define ETHER_SIZE 14
#define MAC_AT(side) ((side) == SOURCE ? ETH_ALEN : 0)

struct ether {
	__u16 dst[3];
	__u16 src[3];
	__be16 proto;
};

// untag looks through tags to the EtherType of a frame that belongs to the
// interface itself. A frame of a VLAN belongs to another one: it says 0. A tag
// with VLAN 0 is about priority only (IEEE 802.1Q §6.9), and the kernel looks
// through any number of them; so do we, two deep and the one that hardware or
// kernel took off.
static __noinline int untag(struct __sk_buff *skb, struct frame *f)
{
	struct {
		__be16 tci;
		__be16 proto;
	} tag;

	for (int i = 0; i < 2; i++) {
		if (bpf_skb_load_bytes(skb, f->l3, &tag, sizeof(tag)) || tag.tci & bpf_htons(0xfff))
			break;
		f->l3 += sizeof(tag);
		f->proto = tag.proto;
		if (f->proto != bpf_htons(ETH_P_8021Q) && f->proto != bpf_htons(ETH_P_8021AD))
			return 0;
	}
	f->proto = 0;
	return 0;
}

always void pick_frame(struct frame *f, enum side side, const struct ether *e)
{
	const __u16 *mac = side == SOURCE ? e->src : e->dst;

	f->proto = e->proto;
	f->mac[0] = mac[0];
	f->mac[1] = mac[1];
	f->mac[2] = mac[2];
}

always void read_frame(struct __sk_buff *skb, enum link link, enum side side, struct frame *f)
{
	struct ether *e = (void *)(long)skb->data, copy;

	if (link == BARE) {
		f->l3 = 0;
		f->proto = skb->protocol;
		f->mac[0] = 1; // no virtual MAC
		return;
	}
	f->l3 = ETHER_SIZE;
	if ((void *)e + ETHER_SIZE <= (void *)(long)skb->data_end) {
		pick_frame(f, side, e);
	} else if (!bpf_skb_load_bytes(skb, 0, &copy, ETHER_SIZE)) {
		pick_frame(f, side, &copy);
	} else {
		f->proto = 0;
		return;
	}
	if (skb->vlan_present && skb->vlan_tci & 0xfff)
		f->proto = 0;
	else if (f->proto == bpf_htons(ETH_P_8021Q) || f->proto == bpf_htons(ETH_P_8021AD))
		untag(skb, f);
}

static __noinline int if_known_mac_served(struct __sk_buff *skb, const struct frame *f, enum side side)
{
	__u32 *slot = find_mac(skb, (const __u8 *)f->mac);

	if (!slot || *slot == OWN)
		return PASS;
	return if_served(*slot, side == SOURCE ? PACKET_OUT : PACKET_IN);
}

// if_mac_served judges a frame by its virtual MAC. All virtual MACs begin with
// two zeros (00-00-5E-00-..: RFC 9568 §7.3), hardly any other does.
always int if_mac_served(struct __sk_buff *skb, const struct frame *f, enum side side)
{
	return f->mac[0] ? PASS : if_known_mac_served(skb, f, side);
}

// if_all_served judges a packet by the slot of its address, if it has one, and
// by its MAC. Where that is the one of the same slot, it has been judged.
always int if_all_served(struct __sk_buff *skb, const struct frame *f, int slot, enum side side)
{
	const struct hold *h;

	if (slot != NOBODY) {
		h = hold_of(slot);
		if (!h || !open_until(&h->served)) {
			count(slot, side == SOURCE ? PACKET_OUT : PACKET_IN);
			return DROP;
		}
		if (f->mac[0] == h->mac[0] && f->mac[1] == h->mac[1] && f->mac[2] == h->mac[2] && skb->ifindex == h->ifindex)
			return PASS;
	}
	return if_mac_served(skb, f, side);
}

// ip4 is what the rules need of an IPv4 header.
struct ip4 {
	__be32 src;
	__be32 dst;
	__u32 l4;
	__be16 fragment;
	__u8 proto;
};

always void pick4(struct ip4 *p, __u32 l3, const struct iphdr *h)
{
	p->src = h->saddr;
	p->dst = h->daddr;
	p->l4 = l3 + h->ihl * 4;
	p->fragment = h->frag_off & bpf_htons(0x1fff);
	p->proto = h->protocol;
}

// What is too short for a header is nothing that any kernel takes.
always int read_ip4(struct __sk_buff *skb, enum link link, const struct frame *f, struct ip4 *p)
{
	struct iphdr *h = (void *)(long)skb->data + ETHER_SIZE, copy;

	if (link == ETHER && f->l3 == ETHER_SIZE && (void *)(h + 1) <= (void *)(long)skb->data_end)
		pick4(p, ETHER_SIZE, h);
	else if (!bpf_skb_load_bytes(skb, f->l3, &copy, sizeof(copy)))
		pick4(p, f->l3, &copy);
	else
		return 0;
	return 1;
}

// ip6 is what the rules need of an IPv6 header.
struct ip6 {
	__be32 src[4];
	__be32 dst[4];
	__u32 l4;
	__u8 next;
	__u8 hops;
};

always void pick6(struct ip6 *p, __u32 l3, const struct ipv6hdr *h)
{
	__builtin_memcpy(p->src, &h->saddr, sizeof(p->src));
	__builtin_memcpy(p->dst, &h->daddr, sizeof(p->dst));
	p->l4 = l3 + sizeof(*h);
	p->next = h->nexthdr;
	p->hops = h->hop_limit;
}

always int read_ip6(struct __sk_buff *skb, enum link link, const struct frame *f, struct ip6 *p)
{
	struct ipv6hdr *h = (void *)(long)skb->data + ETHER_SIZE, copy;

	if (link == ETHER && f->l3 == ETHER_SIZE && (void *)(h + 1) <= (void *)(long)skb->data_end)
		pick6(p, ETHER_SIZE, h);
	else if (!bpf_skb_load_bytes(skb, f->l3, &copy, sizeof(copy)))
		pick6(p, f->l3, &copy);
	else
		return 0;
	return 1;
}

/* ---- Sightings -------------------------------------------------------- */

// sight tells that a frame from a MAC uses a guarded address, unless the MAC is
// one of ours. The counters race between CPUs: a few more may be told.
static __noinline int sight(struct __sk_buff *skb, const struct address *a, const __u8 *mac, int kind)
{
	struct guarded *g = bpf_map_lookup_elem(&hf_addresses, a);
	__u64 now = bpf_ktime_get_boot_ns();
	struct sighting *s;

	if (!g || find_mac(skb, mac))
		return 0;
	if (now - g->since >= SECOND) {
		g->since = now;
		g->sighted = 0;
	}
	if (g->sighted >= SIGHTINGS)
		goto untold;
	g->sighted++;
	s = bpf_ringbuf_reserve(&hf_sightings, sizeof(*s), 0);
	if (!s)
		goto untold;
	s->at = now;
	s->slot = g->slot;
	s->ifindex = skb->ifindex;
	__builtin_memcpy(s->ip, a->ip, sizeof(s->ip));
	__builtin_memcpy(s->mac, mac, ETH_ALEN);
	s->kind = kind;
	s->zero = 0;
	bpf_ringbuf_submit(s, 0);
	return 0;
untold:
	count(g->slot, UNTOLD);
	return 0;
}

/* ---- ARP (RFC 826) ---------------------------------------------------- */

#define ARPOP_REQUEST 1

struct arp {
	__be16 hrd;
	__be16 pro;
	__u8 hln;
	__u8 pln;
	__be16 op;
	__u8 sha[ETH_ALEN];
	__u8 spa[4];
	__u8 tha[ETH_ALEN];
	__u8 tpa[4];
} __attribute__((packed));

// read_arp says whether there is one for IPv4 over Ethernet. No kernel answers
// another.
always int read_arp(struct __sk_buff *skb, __u32 l3, struct arp *arp, __be32 *spa, __be32 *tpa)
{
	if (bpf_skb_load_bytes(skb, l3, arp, sizeof(*arp)))
		return 0;
	__builtin_memcpy(spa, arp->spa, 4);
	__builtin_memcpy(tpa, arp->tpa, 4);
	return arp->pro == bpf_htons(ETH_P_IP) && arp->hln == ETH_ALEN && arp->pln == 4;
}

static __noinline int arp_in(struct __sk_buff *skb, const struct frame *f)
{
	struct arp arp;
	__be32 spa, tpa;
	struct address a;
	int slot;

	if (!read_arp(skb, f->l3, &arp, &spa, &tpa))
		return if_mac_served(skb, f, DESTINATION);
	if (find4(spa) != NOBODY) {
		key4(&a, spa);
		sight(skb, &a, arp.sha, ARP_CLAIM);
	}
	// Sender and target the same: an announcement, which wants no answer
	// (RFC 5227 §3).
	if (arp.op != bpf_htons(ARPOP_REQUEST) || spa == tpa)
		return if_mac_served(skb, f, DESTINATION);
	slot = find4(tpa);
	if (slot == NOBODY)
		return if_mac_served(skb, f, DESTINATION);
	if (!spa) {
		key4(&a, tpa);
		sight(skb, &a, arp.sha, ARP_PROBE);
	}
	return if_announced(slot, ARP_IN);
}

static __noinline int arp_out(struct __sk_buff *skb, const struct frame *f)
{
	struct arp arp;
	__be32 spa, tpa;
	int slot;

	if (read_arp(skb, f->l3, &arp, &spa, &tpa)) {
		slot = find4(spa);
		if (slot != NOBODY)
			return if_announced(slot, ARP_OUT);
	}
	return if_mac_served(skb, f, SOURCE);
}

/* ---- What is inside an IPv6 packet ------------------------------------ */

// We look behind less than HEADERS extension headers. The kernel looks behind
// any number; but what it answers leaves by egress, without any.
#define HEADERS 6

#define NEXTHDR_AUTH 51

// Reading 8 bytes of every extension header is enough for all of them.
struct exthdr {
	__u8 next;
	__u8 len; // in units of 8 bytes, less one; AH: of 4 bytes, less two
	__be16 fragment;
	__be32 rest;
};

always int is_extension(int next)
{
	switch (next) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_FRAGMENT:
	case NEXTHDR_AUTH:
	case IPPROTO_DSTOPTS:
		return 1;
	}
	return 0;
}

// payload6 skips extension headers (RFC 8200 §4). It gives the protocol that
// follows and moves l4 to it, or gives 255 where that is not in this packet: in
// another fragment, cut off, or behind too many headers.
static __noinline int payload6(struct __sk_buff *skb, struct ip6 *ip)
{
	int next = ip->next;
	struct exthdr h;

	for (int i = 0; i < HEADERS; i++) {
		if (!is_extension(next))
			return next;
		if (bpf_skb_load_bytes(skb, ip->l4, &h, sizeof(h)))
			return 255;
		if (next == IPPROTO_FRAGMENT) {
			if (h.fragment & bpf_htons(0xfff8))
				return 255;
			ip->l4 += 8;
		} else if (next == NEXTHDR_AUTH) {
			ip->l4 += (h.len + 2) * 4;
		} else {
			ip->l4 += (h.len + 1) * 8;
		}
		next = h.next;
	}
	return 255;
}

// next6 is the protocol inside of an IPv6 packet.
always int next6(struct __sk_buff *skb, struct ip6 *ip)
{
	return is_extension(ip->next) ? payload6(skb, ip) : ip->next;
}

#define ND_SOLICIT 135
#define ND_ADVERT 136

// nd is the head of a neighbour solicitation or advertisement (RFC 4861 §4.3
// and §4.4).
struct nd {
	__u8 type;
	__u8 code;
	__be16 sum;
	__be32 flags;
	__be32 target[4];
};

always int read_nd(struct __sk_buff *skb, __u32 off, struct nd *nd)
{
	return !bpf_skb_load_bytes(skb, off, nd, sizeof(*nd)) && (nd->type == ND_SOLICIT || nd->type == ND_ADVERT);
}

static __noinline int nd_in(struct __sk_buff *skb, const struct ip6 *ip)
{
	int from_nobody = !(ip->src[0] | ip->src[1] | ip->src[2] | ip->src[3]);
	// What was forwarded is not heeded (RFC 4861 §7.1), so it is no sighting.
	int from_link = ip->hops == 255;
	__u8 mac[ETH_ALEN] = {};
	struct address a;
	struct nd nd;
	int slot;

	if (!read_nd(skb, ip->l4, &nd))
		return NOTHING;
	bpf_skb_load_bytes(skb, MAC_AT(SOURCE), mac, ETH_ALEN);
	if (nd.type == ND_ADVERT) {
		if (from_link && hint(nd.target[3])) {
			key6(&a, skb, nd.target);
			sight(skb, &a, mac, ND_CLAIM);
		}
		return NOTHING;
	}
	if (from_link && !from_nobody && hint(ip->src[3])) {
		key6(&a, skb, ip->src);
		sight(skb, &a, mac, ND_SOURCE);
	}
	slot = find6(skb, nd.target);
	if (slot == NOBODY)
		return NOTHING;
	if (from_link && from_nobody) {
		key6(&a, skb, nd.target);
		sight(skb, &a, mac, ND_PROBE);
	}
	return if_announced(slot, ND_IN);
}

static __noinline int nd_out(struct __sk_buff *skb, const struct ip6 *ip)
{
	struct nd nd;
	int slot;

	if (!read_nd(skb, ip->l4, &nd))
		return NOTHING;
	slot = nd.type == ND_ADVERT ? find6(skb, nd.target) : find6(skb, ip->src);
	return slot == NOBODY ? NOTHING : if_announced(slot, ND_OUT);
}

/* ---- VRRP ------------------------------------------------------------- */

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

/* ---- The programs ----------------------------------------------------- */

always int ingress(struct __sk_buff *skb, enum link link)
{
	int slot = NOBODY;
	struct frame f;

	read_frame(skb, link, DESTINATION, &f);
	if (f.proto == bpf_htons(ETH_P_IP)) {
		struct ip4 ip;

		if (read_ip4(skb, link, &f, &ip))
			slot = find4(ip.dst);
	} else if (f.proto == bpf_htons(ETH_P_IPV6)) {
		struct ip6 ip;

		if (read_ip6(skb, link, &f, &ip)) {
			if (next6(skb, &ip) == IPPROTO_ICMPV6) {
				int verdict = nd_in(skb, &ip);

				if (verdict != NOTHING)
					return verdict;
			}
			slot = find6(skb, ip.dst);
		}
	} else if (f.proto == bpf_htons(ETH_P_ARP)) {
		return link == ETHER ? arp_in(skb, &f) : PASS;
	} else if (!f.proto) {
		return PASS;
	}
	return if_all_served(skb, &f, slot, DESTINATION);
}

always int egress(struct __sk_buff *skb, enum link link)
{
	int slot = NOBODY, verdict = NOTHING;
	struct frame f;

	read_frame(skb, link, SOURCE, &f);
	if (f.proto == bpf_htons(ETH_P_IP)) {
		struct ip4 ip;

		if (read_ip4(skb, link, &f, &ip)) {
			if (ip.proto == IPPROTO_VRRP && !ip.fragment)
				verdict = advert_out(skb, ip.l4, 4);
			slot = find4(ip.src);
		}
	} else if (f.proto == bpf_htons(ETH_P_IPV6)) {
		struct ip6 ip;

		if (read_ip6(skb, link, &f, &ip)) {
			switch (next6(skb, &ip)) {
			case IPPROTO_ICMPV6:
				verdict = nd_out(skb, &ip);
				break;
			case IPPROTO_VRRP:
				verdict = advert_out(skb, ip.l4, 6);
				break;
			}
			slot = find6(skb, ip.src);
		}
	} else if (f.proto == bpf_htons(ETH_P_ARP)) {
		return link == ETHER ? arp_out(skb, &f) : PASS;
	} else if (!f.proto) {
		return PASS;
	}
	if (verdict != NOTHING)
		return verdict;
	return if_all_served(skb, &f, slot, SOURCE);
}

SEC("tc")
int NAME(LAYOUT, in)(struct __sk_buff *skb)
{
	return ingress(skb, ETHER);
}

SEC("tc")
int NAME(LAYOUT, out)(struct __sk_buff *skb)
{
	return egress(skb, ETHER);
}

SEC("tc")
int NAME(LAYOUT, l3in)(struct __sk_buff *skb)
{
	return ingress(skb, BARE);
}

SEC("tc")
int NAME(LAYOUT, l3out)(struct __sk_buff *skb)
{
	return egress(skb, BARE);
}
