package vote

import "time"

// ballot is a voter's promise for one group.
type ballot struct {
	holder  *sender // nil: nobody
	session uint64  // the process of the holder: two nodes may share a name by mistake
	until   Instant
	rank    uint8
	holding bool

	reserved      NameHash // for whom, after a release
	reservedUntil Instant

	stamps [maxSenders]uint64 // the last one of each node, by its place
	last   Instant            // when it was last asked for
}

// reserve is how long a released promise is kept for the successor that was
// named: long enough for it to ask, short enough not to be missed where it
// does not come.
func reserve(term time.Duration) time.Duration { return min(term/2, time.Second) }

// promisedTo returns the node that has the promise now.
func (b *ballot) promisedTo(now Instant) *sender {
	if b.holder != nil && now < b.until {
		return b.holder
	}
	return nil
}

// belongsTo says whether the promise, in force or over, was the last one to
// this process of a node.
func (b *ballot) belongsTo(s *sender) bool { return b.holder == s && b.session == s.session }

// freeFor says whether a node would get the promise now, and if not, why.
func (b *ballot) freeFor(now Instant, s *sender) (entry, bool) {
	if other := b.promisedTo(now); other != nil && !b.belongsTo(s) {
		return entry{verb: promised, rank: b.rank, holding: b.holding, time: b.until.sub(now), node: other.id}, false
	}
	if b.reserved != 0 && b.reserved != s.id && now < b.reservedUntil {
		return entry{verb: reserved, time: b.reservedUntil.sub(now), node: b.reserved}, false
	}
	return entry{}, true
}

// ask is a node's wish for the promise.
func (b *ballot) ask(now Instant, s *sender, e *entry) entry {
	if e.time < MinTerm || e.time > MaxTerm {
		return entry{key: e.key, verb: badTerm, time: MaxTerm}
	}
	if answer, ok := b.freeFor(now, s); !ok {
		answer.key = e.key
		return answer
	}
	until := now.add(e.time)
	if b.belongsTo(s) {
		until = max(until, b.until) // a shorter term takes nothing back
	}
	b.holder, b.session, b.until, b.rank, b.holding = s, s.session, until, e.rank, e.holding
	b.reserved = 0
	return entry{key: e.key, verb: granted, time: e.time}
}

// release gives the promise back. Who has none may say so too.
func (b *ballot) release(now Instant, s *sender, e *entry) entry {
	if b.belongsTo(s) {
		b.holder, b.until, b.holding = nil, 0, false
		if e.node != 0 && e.node != s.id {
			b.reserved, b.reservedUntil = e.node, now.add(reserve(e.time))
		}
	}
	return entry{key: e.key, verb: released, time: e.time}
}

// spent says that nobody has asked for so long that the ballot may be
// forgotten: a promise or a reservation ended long ago, and what is still on
// its way would be as old.
func (b *ballot) spent(now Instant) bool { return now > b.last.add(6*MaxTerm) }
