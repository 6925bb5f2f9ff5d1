//go:build ignore

// SPDX-License-Identifier: Apache-2.0 OR MIT OR GPL-2.0-only
//
// The balancer in the kernel: a program on every interface that clients or
// backends are behind. What comes for a service goes to one of its targets,
// what comes back goes to the client, and nothing else is touched.
//
// doc.go has the rules as a table.

#include "bind.h"
#include "send.h"
#include "unwrap.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

// LAYOUT is in the names of programs and pins. It changes with every change of a
// map's key, value or meaning.
#define LAYOUT 1
#define PASTE(a, b) a##b
#define NAME(what, layout) PASTE(what, layout)

// work is what the program is about to do with a packet: more than its stack has
// room for. Nothing else runs on a CPU while it looks at a packet there.
struct work {
	struct packet p;
	struct binding b;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct work);
} hf_work SEC(".maps");

always struct service *service_at(const struct packet *p)
{
	struct vip v = { .addr = p->k.t.dst, .port = p->k.t.dport, .proto = p->k.proto };
	struct place *place = bpf_map_lookup_elem(&hf_vips, &v);
	__u32 zero = 0;
	void *settings;

	if (!place)
		return 0;
	settings = bpf_map_lookup_elem(&hf_services, &place->at);
	return settings ? bpf_map_lookup_elem(settings, &zero) : 0;
}

// hurried counts new flows of this second. Two CPUs that begin a second may let
// a few more pass.
always int hurried(const struct service *s, __u64 now)
{
	struct tally *n = tally_of(s->nobody);
	__u64 second = now / SECOND;

	if (!s->rate || !n)
		return 0;
	if (n->second != second) {
		n->second = second;
		n->began = 0;
	}
	return __sync_fetch_and_add(&n->began, 1) >= s->rate;
}

always int crowded(const struct service *s)
{
	const struct tally *n = tally_of(s->nobody);

	return s->max_flows && n && n->flows >= (__s64)s->max_flows;
}

apart int denied(const struct service *s, const struct key *k)
{
	if (!s || !k)
		return 1;
	struct source from = { .bits = 32 + 128, .service = bpf_htonl(s->number), .addr = k->t.src };

	return s->listed && !bpf_map_lookup_elem(&hf_allowed, &from);
}

// bound gives the target that the client had last, if it may have it again.
apart int bound(const struct service *s, const struct client *from, __u64 now)
{
	if (!s || !from)
		return NONE;
	const struct bond *b = bpf_map_lookup_elem(&hf_bonds, from);
	const struct target *t;
	__s64 flows;

	if (!b || b->until <= now)
		return NONE;
	t = target_of(b->slot, s->number, b->id);
	return t && open_to(b->slot, t, &flows) == 1 ? (int)b->slot : NONE;
}

// begin makes a new flow, or says why not.
apart int begin(const struct service *s, const struct packet *p, struct binding *b)
{
	if (!s || !p || !b)
		return BROKEN;
	struct client from = { .service = s->number };
	struct choice ch = {};
	const struct target *t;
	__u64 now = bpf_ktime_get_coarse_ns();
	__u32 slot;

	if (p->fragment == LATER)
		return NO_FLOW;
	// In the middle of a connection: tables of hashes know where it was going,
	// also on a node that has just taken over.
	if (p->k.proto == IPPROTO_TCP && !is_syn(p) && (p->flags & (TCP_RST | TCP_SYN) || s->select > BY_SOURCE))
		return NO_FLOW;
	if (denied(s, &p->k))
		return DENIED;
	if (crowded(s))
		return LIMITED;
	if (hurried(s, now))
		return HURRIED;
	part(&from.source, &p->k.t.src, s->source);
	ch.hash = hash_flow(s->seed, &p->k);
	ch.slot = NONE;
	if (s->affinity)
		ch.slot = bound(s, &from, now);
	if (ch.slot < 0) {
		if (s->select == BY_SOURCE)
			ch.source = hash_source(s->seed, &from.source);
		choose(s, &ch);
	}
	if (ch.slot < 0)
		return ch.slot == FULL ? LIMITED : REFUSED;
	__builtin_memset(b, 0, sizeof(*b));
	slot = ch.slot;
	t = bpf_map_lookup_elem(&hf_targets, &slot);
	if (!t)
		return REFUSED;
	b->f.seen = now;
	b->f.service = s->number;
	b->f.slot = slot;
	b->f.id = t->id;
	b->back.t.src = t->addr;
	b->back.t.sport = t->port;
	b->back.proto = p->k.proto;
	b->back.side = BACKEND;
	if (!bind(s, &p->k, b, (__u32)ch.hash))
		return EXHAUSTED;
	if (s->affinity) {
		struct bond bond = { .slot = slot, .id = t->id, .until = now + s->affinity };

		bpf_map_update_elem(&hf_bonds, &from, &bond, BPF_ANY);
	}
	has_begun(slot);
	return -1;
}

// STALE is a flow whose packet goes on as if it were the first.
enum standing { GOOD, STALE, OVER };

// standing says what becomes of a flow, by the state of its target.
always enum standing standing(const struct service *s, const struct packet *p, const struct flow *f, const struct target *t, int half)
{
	int policy;

	if (!t)
		return STALE;
	if (is_syn(p) && p->fragment != LATER && (t->state != UP || (!half && f->ends & ~ANSWERED)))
		return STALE; // the client's port begins anew
	if (t->state != DOWN && t->state != REMOVED)
		return GOOD;
	policy = t->state == DOWN ? s->on_down : s->on_removed;
	if (policy == KEEP)
		return GOOD;
	return policy == RESET && p->k.proto == IPPROTO_TCP ? OVER : STALE;
}

always int from_client(ctx *c, const struct service *s, struct work *w)
{
	__u64 now = bpf_ktime_get_coarse_ns();
	const struct packet *p = &w->p;
	struct flow *f;
	int half, why;

	f = find_flow(&p->k, &half);
	if (f) {
		const struct target *t = target_of(f->slot, s->number, f->id);

		switch (standing(s, p, f, t, half)) {
		case OVER:
			forget(&p->k, f, s->nobody);
			return dropped(s->nobody, ENDED);
		case STALE:
			forget(&p->k, f, s->nobody);
			break;
		case GOOD:
			follow(p, f, now, s->nobody);
			w->b.f = *f; // what is in a map may go away meanwhile
			if (half && (p->k.proto == IPPROTO_TCP ? !(p->flags & TCP_SYN) : !two_way(s->forward)) && p->fragment != LATER)
				promote(&p->k, &w->b.f, s->nobody);
			remember(p);
			return send(c, s, p, &w->b.f);
		}
	}
	why = begin(s, p, &w->b);
	if (why >= 0)
		return dropped(s->nobody, why);
	remember(p);
	return send(c, s, p, &w->b.f);
}

// ours says whether a port is one that full NAT sends from.
always int ours(const struct key *k)
{
	const struct ports *of = bpf_map_lookup_elem(&hf_translated, &k->t.dst);
	__u16 port = bpf_ntohs(k->t.dport);

	return of && port >= of->first && port <= of->last;
}

// answered promotes a flow of UDP, which the backend has just answered.
apart int answered(const struct key *k, const struct flow *f, __u32 nobody)
{
	if (!k || !f)
		return 0;
	const struct flow *there;
	struct flow client;
	struct key other;

	other_key(&other, k, &f->to);
	there = bpf_map_lookup_elem(&hf_half, &other);
	if (!there)
		return 0;
	client = *there;
	return promote(&other, &client, nobody);
}

always int from_backend(ctx *c, struct work *w)
{
	struct packet *p = &w->p;
	const struct target *t;
	struct flow *f;
	__u32 slot, none = 0;
	int half;

	p->k.side = BACKEND;
	f = find_flow(&p->k, &half);
	if (!f)
		return ours(&p->k) ? dropped(none, NO_FLOW) : PASS;
	slot = f->slot;
	t = target_of(slot, f->service, f->id);
	if (!t)
		return dropped(none, ENDED);
	follow(p, f, bpf_ktime_get_coarse_ns(), t->nobody);
	w->b.f = *f; // what is in a map may go away meanwhile
	if (half && p->k.proto == IPPROTO_UDP)
		answered(&p->k, &w->b.f, t->nobody);
	remember(p);
	counted(slot, BACKEND, p->bytes);
	return send_translated(c, p, &w->b.f);
}

SEC(HOOK)
int NAME(PROGRAM, LAYOUT)(ctx *c)
{
	const struct service *s;
	__u32 zero = 0;
	struct work *w = bpf_map_lookup_elem(&hf_work, &zero);

	if (!w)
		return PASS;
	__builtin_memset(&w->p, 0, sizeof(w->p));
	if (!parse(c, &w->p))
		return PASS;
	if (w->p.k.proto != IPPROTO_TCP && w->p.k.proto != IPPROTO_UDP)
		return PASS;
	if (!ports_of(c, &w->p))
		return PASS;
	s = service_at(&w->p);
	return s ? from_client(c, s, w) : from_backend(c, w);
}

SEC(HOOK)
int NAME(holdfast_unwrap, LAYOUT)(ctx *c)
{
	return unwrap(c);
}
