package vote

import "time"

// maxBallots bounds the groups that a voter makes promises for.
const maxBallots = 16384

// VoterConfig is what a Voter is made of.
type VoterConfig struct {
	Name string // empty: it answers to every name, as a witness does
	// Keys sign (the first) and are accepted (all). At least one.
	Keys [][]byte
	// Seed is random and new in every process; at least 16 bytes.
	Seed []byte
	// Instance is a random number, new in every process, not zero.
	Instance uint64
	// Abstain is until when promises of an earlier process may last.
	Abstain Instant
}

// Counters count what a voter got.
type Counters struct {
	Asked       uint64 // datagrams acted on
	Granted     uint64 // promises made or renewed
	Refused     uint64 // asks answered with no
	Tokens      uint64 // asks answered with a token
	Late        uint64 // entries that came late or twice
	NotOurs     uint64 // datagrams that are no votes
	Malformed   uint64
	Signature   uint64
	Misdirected uint64 // for another voter, or not an ask
	Overflow    uint64 // more groups or nodes than there is room for
}

// Voter makes promises. It is pure and belongs to one goroutine.
type Voter struct {
	cfg     VoterConfig
	signer  signer
	senders senders
	ballots map[Key]*ballot
	swept   Instant
	freed   []Key // by the last datagram
	counts  Counters
}

// NewVoter makes a voter that has promised nothing.
func NewVoter(cfg VoterConfig) *Voter {
	return &Voter{
		cfg: cfg, signer: newSigner(cfg.Keys),
		senders: senders{mint: newMinter(cfg.Seed)},
		ballots: map[Key]*ballot{},
	}
}

// Receive takes one datagram that arrived before now was read, and appends
// the answer to out, if there is one.
func (v *Voter) Receive(now Instant, b, out []byte) []byte {
	h, entries, err := parse(b)
	if err != nil {
		v.discard(err)
		return out
	}
	return v.answer(now, b, &h, entries, out)
}

func (v *Voter) discard(err error) {
	switch err {
	case errNotOurs:
		v.counts.NotOurs++
	case errSignature:
		v.counts.Signature++
	default:
		v.counts.Malformed++
	}
}

// answer is Receive for a datagram that was parsed. Nothing changes before the
// signature was found good.
func (v *Voter) answer(now Instant, b []byte, h *header, entries, out []byte) []byte {
	v.freed = v.freed[:0]
	if h.kind != kindAsk || v.cfg.Name != "" && v.cfg.Name != string(h.to) {
		v.counts.Misdirected++
		return out
	}
	if !v.signer.verify(b) {
		v.discard(errSignature)
		return out
	}
	v.sweep(now)
	s := v.senders.find(h.from, now, func(s *sender) bool { return v.idle(now, s) })
	if s == nil {
		v.counts.Overflow++
		return out
	}
	ok, fresh := v.senders.admit(s, h.session, h.token)
	reply := header{
		kind: kindAnswer, voters: h.voters, session: h.session, token: h.token, stamp: h.stamp,
		instance: v.cfg.Instance,
	}
	at := len(out)
	if !ok {
		v.counts.Tokens++
		reply.kind, reply.token = kindToken, v.senders.tokenFor(s, h.session)
		return v.signer.sign(appendHeader(out, &reply, h.to, h.from), at)
	}
	if fresh {
		v.forgetStamps(s)
	}
	v.counts.Asked++
	s.heard, s.voters = now, h.voters
	out = appendHeader(out, &reply, h.to, h.from)
	for ; len(entries) > 0; entries = entries[entrySize:] {
		e := parseEntry(entries)
		if answer, ok := v.decide(now, s, h.stamp, &e); ok {
			out = appendEntry(out, at, &answer)
		}
	}
	return v.signer.sign(out, at)
}

// decide answers one entry of a node. It is silent about what came late.
func (v *Voter) decide(now Instant, s *sender, stamp uint64, e *entry) (entry, bool) {
	b := v.ballot(now, e.key)
	switch {
	case b == nil:
		v.counts.Overflow++
		return entry{}, false
	case stamp <= b.stamps[s.place]:
		v.counts.Late++
		return entry{}, false
	}
	b.stamps[s.place], b.last = stamp, now
	switch {
	case e.verb == opRelease:
		if b.belongsTo(s) {
			v.freed = append(v.freed, e.key)
		}
		return b.release(now, s, e), true
	case e.verb != opAsk:
		v.counts.Malformed++
		return entry{}, false
	case now < v.cfg.Abstain:
		v.counts.Refused++
		return entry{key: e.key, verb: abstains, time: v.cfg.Abstain.sub(now)}, true
	}
	answer := b.ask(now, s, e)
	if answer.verb == granted {
		v.counts.Granted++
	} else {
		v.counts.Refused++
	}
	return answer, true
}

func (v *Voter) ballot(now Instant, k Key) *ballot {
	b := v.ballots[k]
	if b == nil && len(v.ballots) < maxBallots {
		b = &ballot{last: now}
		for _, s := range v.senders.list {
			b.stamps[s.place] = s.floor
		}
		v.ballots[k] = b
	}
	return b
}

// sweep forgets ballots that nobody asks for any more.
func (v *Voter) sweep(now Instant) {
	if now < v.swept.add(MaxTerm) {
		return
	}
	v.swept = now
	for k, b := range v.ballots {
		if !b.spent(now) {
			continue
		}
		for _, s := range v.senders.list {
			s.floor = max(s.floor, b.stamps[s.place])
		}
		delete(v.ballots, k)
	}
}

func (v *Voter) idle(now Instant, s *sender) bool {
	if now < s.heard.add(6*MaxTerm) {
		return false
	}
	for _, b := range v.ballots {
		if b.promisedTo(now) == s {
			return false
		}
	}
	return true
}

// forgetStamps makes room for those of a node's new process.
func (v *Voter) forgetStamps(s *sender) {
	for _, b := range v.ballots {
		b.stamps[s.place] = 0
	}
}

// Abstains says how long the voter will make no promise.
func (v *Voter) Abstains(now Instant) time.Duration { return max(v.cfg.Abstain.sub(now), 0) }

// Counters returns what was counted so far.
func (v *Voter) Counters() Counters { return v.counts }

// Asker is a node that asked lately.
type Asker struct {
	Name     string
	Heard    time.Duration // how long ago
	Promises int           // that it has
}

// Askers lists the nodes that asked within a while.
func (v *Voter) Askers(now Instant, within time.Duration) []Asker {
	var out []Asker
	for _, s := range v.senders.heardSince(now.add(-within)) {
		a := Asker{Name: s.name, Heard: now.sub(s.heard)}
		for _, b := range v.ballots {
			if b.promisedTo(now) == s {
				a.Promises++
			}
		}
		out = append(out, a)
	}
	return out
}
