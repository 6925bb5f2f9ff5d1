//go:build ignore

// SPDX-License-Identifier: Apache-2.0 OR MIT OR GPL-2.0-only
//
// The balancer in the kernel: a program on every interface that clients or
// backends are behind. What comes for a service goes to one of its targets,
// what comes back goes to the client, and nothing else is touched.
//
// doc.go has the rules as a table.

#include "begin.h"
#include "icmp.h"
#include "known.h"
#include "reset.h"
#include "send.h"
#include "stranger.h"
#if !HANDS_ON
#include "take.h"
#include "unwrap.h"
#endif
#include "trace.h"
#include "work.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

// LAYOUT is in the names of programs and pins. It changes with every change of a
// map's key, value or meaning.
#define LAYOUT 1
#define PASTE(a, b) a##b
#define NAME(what, layout) PASTE(what, layout)

// STALE is a flow whose packet goes on as if it were the first, OVER one whose ends
// are told so.
enum standing { GOOD, STALE, OVER };

// astray says whether a packet cannot begin anew with another target: of a
// connection of which no table knows where it would go.
always int astray(const struct service *s, const struct packet *p)
{
	return p->k.proto == IPPROTO_TCP && !is_syn(p) && !foretold(s);
}

// standing says what becomes of a flow, by the state of its target.
always enum standing standing(const struct service *s, const struct packet *p, const struct flow *f, const struct target *t, int half)
{
	int policy, gone;

	if (!t)
		return astray(s, p) ? OVER : STALE;
	gone = t->state == DOWN || t->state == REMOVED;
	// The client's port begins anew. Where its connection has not ended, the
	// backend has to say so (RFC 9293 §3.10.7.4): a SYN that somebody has made up,
	// or that was on its way for long, ends none.
	if (is_syn(p) && p->fragment != LATER && (gone || (half ? t->state != UP : f->ends & (CLIENT_FIN | BACKEND_FIN | RST))))
		return STALE;
	if (!gone)
		return GOOD;
	policy = t->state == DOWN ? s->on_down : s->on_removed;
	if (policy == KEEP)
		return GOOD;
	return astray(s, p) || (policy == RESET && p->k.proto == IPPROTO_TCP) ? OVER : STALE;
}

// hears says whether a client's packet shows that it hears us: that it is who it
// says, and that there is more to come than one question and its answer.
always int hears(const struct service *s, const struct packet *p, const struct flow *f)
{
	if (p->fragment == LATER)
		return 0;
	if (p->k.proto == IPPROTO_TCP)
		return !(p->flags & (TCP_SYN | TCP_RST));
	return !two_way(s->forward) || f->ends & ANSWERED;
}

// over ends a connection whose packet comes from the client.
always int over(ctx *c, const struct service *s, struct work *w, struct flow *f, int known)
{
	struct packet *p = &w->p;
	int verdict;

	dropped(s->nobody, ENDED);
	w->b.f = *f; // what is in a map may go away meanwhile
	if (!known) {
		give_up(&p->k, &w->b.f, s->nobody);
		return refuse(c, p, s->nobody);
	}
	mark(p, f, RST, s->nobody);
	verdict = split(c, p, s->nobody);
	return verdict == GOES_ON ? sent(send(c, s, p, &p->k, &w->b.f), p, &w->b.f) : verdict;
}

always int from_client(ctx *c, const struct service *s, struct work *w)
{
	__u64 now = now_of(w);
	struct packet *p = &w->p;
	struct flow *f;
	int half, why, verdict;

	f = find_flow(&p->k, &half);
	if (f) {
		const struct target *t = target_of(f->slot, s->number, f->id);

		switch (standing(s, p, f, t, half)) {
		case OVER:
			return HANDS_ON ? PASS : over(c, s, w, f, t != 0);
		case STALE:
			give_up(&p->k, f, s->nobody);
			break;
		case GOOD:
			follow(p, f, now, s->nobody);
			w->b.f = *f; // what is in a map may go away meanwhile
			w->b.f.ends &= ~MIRRORED;
			if (half && !first_again(f) && hears(s, p, f))
				promote(&p->k, &w->b.f, s->nobody);
			remember(p);
			return sent(send(c, s, p, &p->k, &w->b.f), p, &w->b.f);
		}
	}
	why = begin(s, p, &w->b);
	if (HANDS_ON && why == REFUSED && p->k.proto == IPPROTO_TCP) {
		undo(s);
		return PASS;
	}
	if (why == NO_FLOW && !foretold(s) && stranger(p)) {
		if (HANDS_ON)
			return PASS;
		why = UNKNOWN;
	}
	if (why >= 0) {
		dropped(s->nobody, why);
		return why == REFUSED || why == UNKNOWN ? refuse(c, p, s->nobody) : DROP;
	}
	remember(p);
	verdict = send(c, s, p, &p->k, &w->b.f);
	if (HANDS_ON && verdict == PASS)
		return note_first(p);
	return sent(verdict, p, &w->b.f);
}

// tallied says whether it matters how many flows a backend has: then one of UDP
// counts from its first answer on, and takes the room of a connection. Else the
// backend with the fewest would have all questions that are asked once.
always int tallied(const struct service *s, const struct target *t)
{
	return s->select == LEAST || s->select == LEAST_OF_TWO || s->max_flows || t->max_flows;
}

// answered promotes a flow of UDP, which the backend has just answered, where
// flows are counted.
apart int answered(const struct key *k, const struct flow *f)
{
	if (!k || !f)
		return 0;
	const struct service *s;
	const struct flow *there;
	const struct target *t = target_of(f->slot, f->service, f->id);
	struct flow client;
	struct key other;

	other_key(&other, k, &f->to);
	s = service_at(&other);
	if (!s || !t || !tallied(s, t))
		return 0;
	there = bpf_map_lookup_elem(&hf_half, &other);
	if (!there)
		return 0;
	client = *there;
	client.ends &= ~MIRRORED;
	return promote(&other, &client, s->nobody);
}

// opened tells of a flow whose backend has answered its SYN.
apart int opened(const struct key *k, const struct flow *f, __u64 now)
{
	if (!k || !f)
		return 0;
	struct flow client = *f;
	struct key other;

	other_key(&other, k, &f->to);
	turned(&client.to, &k->t);
	client.ends |= ANSWERED;
	return tell_half(&other, &client, now / SECOND);
}

// ended says whether a backend's flow is one that both ends are to be told is
// over.
always int ended(const struct packet *p, const struct flow *f, const struct target *t)
{
	const struct service *s;
	struct key client;

	if (p->k.proto != IPPROTO_TCP || (t->state != DOWN && t->state != REMOVED))
		return 0;
	other_key(&client, &p->k, &f->to);
	s = service_at(&client);
	return s && (t->state == DOWN ? s->on_down : s->on_removed) == RESET;
}

always int from_backend(ctx *c, struct work *w)
{
	struct packet *p = &w->p;
	const struct target *t;
	struct flow *f;
	__u32 slot, none = 0;
	__u64 now;
	int half, verdict;

	p->k.side = BACKEND;
	f = find_flow(&p->k, &half);
	if (!f)
		return ours(&p->k) ? dropped(none, NO_FLOW) : PASS;
	slot = f->slot;
	if (!held(c, p, &f->to.src))
		return PASS;
	t = target_of(slot, f->service, f->id);
	if (HANDS_ON && (!t || ended(p, f, t)))
		return PASS;
	if (!t) {
		dropped(none, ENDED);
		return refuse(c, p, none);
	}
	w->b.f = *f; // what is in a map may go away meanwhile
	if (ended(p, f, t)) {
		dropped(t->nobody, ENDED);
		mark(p, f, RST, t->nobody);
		verdict = split(c, p, slot);
		if (verdict != GOES_ON)
			return verdict;
		return sent(send_translated(c, p, &w->b.f), p, &w->b.f);
	}
	now = now_of(w);
	if (half && is_syn_ack(p) && !(f->ends & ANSWERED))
		opened(&p->k, f, now);
	follow(p, f, now, t->nobody);
	if (half && p->k.proto == IPPROTO_UDP && p->fragment != LATER)
		answered(&p->k, &w->b.f);
	remember(p);
	return sent(send_translated(c, p, &w->b.f), p, &w->b.f);
}

apart int balance(ctx *c)
{
	const struct service *s;
	__u32 zero = 0;
	struct work *w;
	int may = known_of(c);

	if (!may)
		return PASS;
	w = bpf_map_lookup_elem(&hf_work, &zero);
	if (!w)
		return PASS;
	__builtin_memset(&w->p, 0, sizeof(w->p));
	if (!parse(c, &w->p))
		return PASS;
	if (!usual(c, &w->p))
		return PASS;
	if (!HANDS_ON && is_error(c, &w->p))
		return error(c, w);
	if (w->p.k.proto != IPPROTO_TCP && w->p.k.proto != IPPROTO_UDP)
		return PASS;
	if (!ports_of(c, &w->p))
		return PASS;
	s = may & SERVED ? service_at(&w->p.k) : 0;
	if (s)
		return held(c, &w->p, &w->p.k.t.dst) ? from_client(c, s, w) : PASS;
	return may & (TRANSLATED | SERVING) ? from_backend(c, w) : PASS;
}

SEC(HOOK)
int NAME(PROGRAM, LAYOUT)(ctx *c)
{
	int traced = looked_at(c), verdict = balance(c);

	if (traced)
		show(c, verdict);
	return verdict;
}

#if !HANDS_ON
SEC(HOOK)
int NAME(holdfast_unwrap, LAYOUT)(ctx *c)
{
	return unwrap(c);
}

SEC(HOOK)
int NAME(holdfast_take, LAYOUT)(ctx *c)
{
	__u8 lane;

	if (peek(c, &lane, 1) || lane >= LANES) // the frame says which
		return 0;
	for (__u32 i = 0; i < INBOX; i++) {
		__u32 at = lane * INBOX + i;
		struct told *n = bpf_map_lookup_elem(&hf_inbox, &at);

		if (!n || !n->what)
			break;
		n->answer = take(n);
	}
	return 0;
}
#endif
