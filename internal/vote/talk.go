package vote

import (
	"net/netip"
	"time"
)

// nextStamp numbers what is asked: our clock, made to grow strictly.
func (a *Agent) nextStamp(now Instant) uint64 {
	a.stamp = max(a.stamp+1, uint64(now))
	return a.stamp
}

// enqueue puts an entry for a voter into this step's datagrams. A second one
// about the same group takes the place of the first.
func (a *Agent) enqueue(c *candidate, i int, e entry) {
	v, to := &c.votes[i], &a.voters[i]
	v.verb = 0
	if v.queued > 0 {
		to.queue[v.queued-1] = e
		return
	}
	to.queue, to.queuedBy = append(to.queue, e), append(to.queuedBy, v)
	v.queued = len(to.queue)
}

// flush makes datagrams of what is queued, and of greetings.
func (a *Agent) flush(now Instant, out *Out) {
	var stamp uint64
	for i := range a.voters {
		v := &a.voters[i]
		if len(v.queue) == 0 && !v.greet {
			continue
		}
		if stamp == 0 {
			stamp = a.nextStamp(now)
		}
		for _, q := range v.queuedBy {
			q.queued, q.asked = 0, stamp
		}
		for rest := v.queue; ; {
			n := min(len(rest), maxEntries)
			a.datagram(v, stamp, rest[:n], out)
			if rest = rest[n:]; len(rest) == 0 {
				break
			}
		}
		v.queue, v.queuedBy = v.queue[:0], v.queuedBy[:0]
		v.greet, v.last = false, now
		a.sooner(now.add(greeting))
	}
}

func (a *Agent) datagram(v *voter, stamp uint64, entries []entry, out *Out) {
	at := len(out.buf)
	h := header{kind: kindAsk, voters: a.members, session: a.session, token: v.token, stamp: stamp}
	out.buf = appendHeader(out.buf, &h, a.name, v.Name)
	for i := range entries {
		out.buf = appendEntry(out.buf, at, &entries[i])
	}
	out.buf = a.signer.sign(out.buf, at)
	a.counts.Sent++
	out.packet(v.Addr, at)
}

// packet adds what stands in buf from at on.
func (o *Out) packet(to netip.AddrPort, at int) {
	o.Packets = append(o.Packets, Packet{To: to, Data: o.buf[at:len(o.buf):len(o.buf)]})
}

// receive takes a datagram: an ask for our voter, or an answer.
func (a *Agent) receive(now Instant, src netip.AddrPort, b []byte, out *Out) {
	h, entries, err := parse(b)
	switch {
	case err != nil:
		a.own.discard(err)
	case h.kind == kindAsk && string(h.from) == a.name:
		// Another node has our name, or what we sent came back.
		a.own.counts.Misdirected++
	case h.kind == kindAsk:
		at := len(out.buf)
		if out.buf = a.own.answer(now, b, &h, entries, out.buf); len(out.buf) > at {
			out.packet(src, at)
		}
		a.stir(now, out)
	default:
		a.answered(now, b, &h, entries, out)
	}
}

// stir wakes candidates that waited for a promise of our own voter, which has
// just been given back.
func (a *Agent) stir(now Instant, out *Out) {
	for _, k := range a.own.freed {
		if s, ok := a.byKey[k]; ok && a.subject[s].wanted && a.subject[s].began == 0 {
			a.act(now, s, out)
		}
	}
	a.own.freed = a.own.freed[:0]
}

// answered takes an answer or a token.
func (a *Agent) answered(now Instant, b []byte, h *header, entries []byte, out *Out) {
	v, i := a.voterNamed(h.from)
	if v == nil || h.session != a.session || string(h.to) != a.name || h.stamp > a.stamp || i == a.self {
		a.counts.Stray++
		return
	}
	if !a.signer.verify(b) {
		a.own.discard(errSignature)
		return
	}
	if h.stamp < v.highest && h.kind == kindToken || h.instance != v.instance && !a.replaced(v, h) {
		a.counts.Stray++
		return
	}
	a.counts.Answers++
	if h.stamp >= v.highest {
		v.highest, v.heard, v.trip = h.stamp, now, now.sub(Instant(h.stamp))
	}
	if h.kind == kindToken {
		if v.token != h.token {
			v.token = h.token
			a.askAgain(now, i)
		}
		return
	}
	for ; len(entries) > 0; entries = entries[entrySize:] {
		e := parseEntry(entries)
		s, ok := a.byKey[e.key]
		if !ok {
			continue
		}
		a.hear(now, a.subject[s], i, h.stamp, &e)
		a.recount(s, out)
		a.settle(now, s, out)
	}
}

func (a *Agent) voterNamed(name []byte) (*voter, int) {
	for i := range a.voters {
		if a.voters[i].Name == string(name) {
			return &a.voters[i], i
		}
	}
	return nil, 0
}

// replaced says whether an answer by another process than before counts: not
// where it is an old one, nor where that process has a vote already under
// another name, because two names that lead to one voter have one vote.
func (a *Agent) replaced(v *voter, h *header) bool {
	if h.stamp < v.highest {
		return false
	}
	v.twin = ""
	for i := range a.voters {
		if w := &a.voters[i]; w != v && w.instance == h.instance {
			v.twin = w.Name
			return false
		}
	}
	v.instance = h.instance
	return true
}

// askAgain repeats to one voter what it could not accept without a token.
func (a *Agent) askAgain(now Instant, i int) {
	for _, c := range a.subject {
		switch {
		case c.wanted && c.began != 0:
			a.enqueue(c, i, entry{key: c.key, verb: opAsk, rank: c.rank, holding: c.holding(now), time: c.term})
		case c.votes[i].owed && now < c.owedUntil:
			a.enqueue(c, i, entry{key: c.key, verb: opRelease, time: c.term, node: c.successor})
		}
	}
	if len(a.voters[i].queue) == 0 {
		a.voters[i].greet = true
	}
}

// hear notes what a voter said about a group in answer to an ask with this
// stamp.
func (a *Agent) hear(now Instant, c *candidate, i int, stamp uint64, e *entry) {
	v := &c.votes[i]
	if e.verb == granted && c.wanted && stamp > c.abandoned {
		// From when it was asked for, not from when the answer came.
		v.until = max(v.until, min(Instant(stamp), now).add(counted(e.time)))
	}
	if stamp < v.asked {
		return // a later ask is on its way: what counts is its answer
	}
	v.verb, v.rank, v.holding, v.node, v.opens = e.verb, e.rank, e.holding, e.node, now.add(e.time)
	switch e.verb {
	case released:
		v.owed = false
	case abstains:
		a.voters[i].abstains = v.opens
	}
}

// VoterView is a voter as this node sees it.
type VoterView struct {
	Name     string
	Addr     netip.AddrPort
	Witness  bool
	Self     bool
	Heard    time.Duration // how long ago; negative: never
	Trip     time.Duration // there and back
	Abstains time.Duration // how long it makes no promise, because it started lately
	Twin     string        // another name for the same process, which has one vote only
}

// Voters describes the voters.
func (a *Agent) Voters(now Instant) []VoterView {
	var out []VoterView
	for i := range a.voters {
		v := &a.voters[i]
		view := VoterView{Name: v.Name, Addr: v.Addr, Witness: v.Witness, Self: i == a.self, Heard: now.sub(v.heard), Trip: v.trip, Twin: v.twin}
		view.Abstains = max(v.abstains.sub(now), 0)
		if view.Self {
			view.Heard, view.Abstains = 0, a.own.Abstains(now)
		} else if v.heard == 0 {
			view.Heard = -1
		}
		out = append(out, view)
	}
	return out
}

// Promise is what this node has of one subject.
type Promise struct {
	Wanted bool
	Until  Instant
	Votes  int // promises that last
	Of     int
}

// Promises describes a subject.
func (a *Agent) Promises(now Instant, s Subject) Promise {
	c := a.subject[s]
	p := Promise{Wanted: c.wanted, Until: c.until, Of: len(c.votes)}
	for i := range c.votes {
		if c.votes[i].until > now {
			p.Votes++
		}
	}
	return p
}

// Counters returns what was counted so far, and what the node's voter counted.
func (a *Agent) Counters() (AgentCounters, Counters) { return a.counts, a.own.counts }
