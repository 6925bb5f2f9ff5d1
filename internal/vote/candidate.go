package vote

import (
	"slices"
	"time"
)

// MaxVoters is how many voters a cluster may have.
const MaxVoters = 15

// candidate is what a node wants for one group, and the promises it has.
type candidate struct {
	key    Key
	term   time.Duration
	rank   uint8
	wanted bool
	next   Instant // when there is something to do; 0: nothing
	// began is when the present attempt began to ask; 0: it waits, for its own
	// voter or because it gave way.
	began   Instant
	asked   Instant // when all voters were last asked
	renews  Instant // when they will be again
	strikes int     // attempts in vain
	until   Instant // to which a majority is promised
	// abandoned is the stamp up to which grants count no more: they were
	// asked for before a release.
	abandoned uint64
	successor NameHash // named by the release that is owed
	owedUntil Instant
	votes     []vote // by voter
}

// vote is what one voter said last.
type vote struct {
	until   Instant // counted until
	asked   uint64  // stamp of the last ask or release
	verb    verb    // of the answer to it; 0: none yet
	rank    uint8
	holding bool
	node    NameHash
	opens   Instant // when what it promised otherwise runs out
	owed    bool    // a release it has not confirmed
	queued  int     // place + 1 in the queue of the voter
}

// majority of n voters.
func majority(n int) int { return n/2 + 1 }

// count finds the instant to which a majority is promised.
func (c *candidate) count() Instant {
	var all [MaxVoters]Instant
	for i := range c.votes {
		all[i] = c.votes[i].until
	}
	untils := all[:len(c.votes)]
	slices.Sort(untils)
	return untils[len(untils)-majority(len(untils))]
}

func (c *candidate) holding(now Instant) bool { return now < c.until }

// obstacle says when to look again, where another one is in the way, and
// whether it is one to give way to.
type obstacle struct {
	until Instant
	yield bool
}

// obstacle finds who is in the way of a candidate without a majority: a
// holder, a better candidate, or a successor that was named. It is the one
// that stays longest.
func (c *candidate) obstacle(now Instant, me NameHash) obstacle {
	var worst obstacle
	for i := range c.votes {
		v := &c.votes[i]
		var until Instant
		switch {
		case v.verb == reserved && v.node != me:
			until = v.opens
		case v.verb != promised:
			continue
		case v.holding, v.node == me: // an earlier process of ours is as good as another node
			until = v.opens
		case better(v.rank, v.node, c.rank, me):
			// It needs a round to gather what is released now.
			until = min(v.opens, now.add(c.term/renewals))
		default:
			continue // a worse one: it gives way to us
		}
		if until > worst.until {
			// Close to its end it is not worth to let go of our own.
			worst = obstacle{until, until > now.add(c.term/marginShare)}
		}
	}
	return worst
}

// better orders candidates: by rank, then by name hash.
func better(rank uint8, node NameHash, thanRank uint8, thanNode NameHash) bool {
	if rank != thanRank {
		return rank > thanRank
	}
	return node > thanNode
}

// most is how long a candidate waits at most for an answer before it asks
// again: a datagram may be lost, and who gave way has given its votes back.
const most = 100 * time.Millisecond

// retry is how long this candidate waits for one.
func (c *candidate) retry() time.Duration { return retry(c.term) }

func retry(term time.Duration) time.Duration { return min(term/(2*renewals), most) }

// pace is when a holder has something to ask: with the others that have its
// term, and sooner while a majority has not answered its last round.
func (c *candidate) pace(now Instant) Instant {
	if c.until < c.asked.add(counted(c.term)) {
		return min(c.renews, now.add(c.retry()))
	}
	return c.renews
}

// renewal is the next instant at which all groups with this term renew: they
// share datagrams.
func renewal(now Instant, term time.Duration) Instant {
	third := Instant(term / renewals)
	return (now/third + 1) * third
}
