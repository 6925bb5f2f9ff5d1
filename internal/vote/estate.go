package vote

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Estate is all that an Agent knows: what it has promised, what it was
// promised, and as which process. One that inherits it is the same process, as
// far as any voter can tell, and goes on as if it had only been stopped for a
// moment. So there are no two majorities, as long as one alone of the two goes
// on: the Agent that drew the estate up must not be stepped any more.
type Estate struct {
	Name    string
	Members uint64
	Session uint64
	Seed    []byte
	Abstain Instant
	Stamp   uint64
	Next    Instant
	Voters  []VoterEstate
	Groups  []GroupEstate

	Generations uint64
	Swept       Instant
	Senders     []SenderEstate
	Ballots     []BallotEstate
}

// VoterEstate is what an asker knows of a voter.
type VoterEstate struct {
	Token, Instance, Highest uint64
	Last, Heard, Abstains    Instant
	Trip                     time.Duration
	Twin                     string
}

// GroupEstate is what a node wants for a group, and the promises it has.
type GroupEstate struct {
	Key                               Key
	Term                              time.Duration
	Rank                              uint8
	Wanted                            bool
	Next, Began, Asked, Renews, Until Instant
	Strikes                           int
	Abandoned                         uint64
	Successor                         NameHash
	OwedUntil                         Instant
	Votes                             []VoteEstate
}

// VoteEstate is what one voter said last.
type VoteEstate struct {
	Until   Instant
	Asked   uint64
	Verb    uint8
	Rank    uint8
	Holding bool
	Node    NameHash
	Opens   Instant
	Owed    bool
}

// SenderEstate is a node that asks.
type SenderEstate struct {
	Name                                string
	Session, Token, Next, Voters, Floor uint64
	Heard                               Instant
}

// BallotEstate is a promise.
type BallotEstate struct {
	Key           Key
	Holder        int // place among the senders; -1: nobody
	Session       uint64
	Until         Instant
	Rank          uint8
	Holding       bool
	Reserved      NameHash
	ReservedUntil Instant
	Stamps        []uint64 // by place, of the senders that there are
	Last          Instant
}

// Estate draws it up, between two steps.
func (a *Agent) Estate() Estate {
	v := a.own
	e := Estate{
		Name: a.name, Members: a.members, Session: a.session, Seed: slices.Clone(v.cfg.Seed), Abstain: v.cfg.Abstain,
		Stamp: a.stamp, Next: a.next, Generations: v.senders.generations, Swept: v.swept,
	}
	for i := range a.voters {
		o := &a.voters[i]
		e.Voters = append(e.Voters, VoterEstate{
			Token: o.token, Instance: o.instance, Highest: o.highest, Last: o.last, Heard: o.heard, Abstains: o.abstains, Trip: o.trip, Twin: o.twin,
		})
	}
	for _, c := range a.subject {
		g := GroupEstate{
			Key: c.key, Term: c.term, Rank: c.rank, Wanted: c.wanted, Next: c.next, Began: c.began, Asked: c.asked, Renews: c.renews,
			Until: c.until, Strikes: c.strikes, Abandoned: c.abandoned, Successor: c.successor, OwedUntil: c.owedUntil,
		}
		for _, o := range c.votes {
			g.Votes = append(g.Votes, VoteEstate{o.until, o.asked, uint8(o.verb), o.rank, o.holding, o.node, o.opens, o.owed})
		}
		e.Groups = append(e.Groups, g)
	}
	for _, s := range v.senders.list {
		e.Senders = append(e.Senders, SenderEstate{
			Name: s.name, Session: s.session, Token: s.token, Next: s.next, Voters: s.voters, Floor: s.floor, Heard: s.heard,
		})
	}
	for k, b := range v.ballots {
		o := BallotEstate{
			Key: k, Holder: -1, Session: b.session, Until: b.until, Rank: b.rank, Holding: b.holding,
			Reserved: b.reserved, ReservedUntil: b.reservedUntil, Stamps: slices.Clone(b.stamps[:len(v.senders.list)]), Last: b.last,
		}
		if b.holder != nil {
			o.Holder = slices.Index(v.senders.list, b.holder)
		}
		e.Ballots = append(e.Ballots, o)
	}
	return e
}

var errEstate = errors.New("it is of another cluster, or spoilt")

// Inherit makes a new Agent of the same cluster go on with an estate.
func (a *Agent) Inherit(e *Estate) error {
	if err := a.inherit(e); err != nil {
		return fmt.Errorf("cannot take votes over: %w", err)
	}
	return nil
}

func (a *Agent) inherit(e *Estate) error {
	if e.Name != a.name || e.Members != a.members || len(e.Voters) != len(a.voters) || e.Session == 0 || len(e.Senders) > maxSenders {
		return errEstate
	}
	v := NewVoter(VoterConfig{Name: a.name, Keys: a.own.cfg.Keys, Seed: e.Seed, Instance: e.Session, Abstain: e.Abstain})
	v.swept, v.senders.generations = e.Swept, e.Generations
	a.me = nil
	for i, s := range e.Senders {
		x := &sender{
			name: s.Name, id: HashName(s.Name), place: i, session: s.Session, token: s.Token, next: s.Next, heard: s.Heard,
			voters: s.Voters, floor: s.Floor,
		}
		v.senders.list = append(v.senders.list, x)
		if s.Name == a.name {
			a.me = x
		}
	}
	if a.me == nil {
		return errEstate
	}
	for _, o := range e.Ballots {
		if o.Holder >= len(e.Senders) || len(o.Stamps) > len(e.Senders) {
			return errEstate
		}
		b := &ballot{
			session: o.Session, until: o.Until, rank: o.Rank, holding: o.Holding, reserved: o.Reserved, reservedUntil: o.ReservedUntil, last: o.Last,
		}
		copy(b.stamps[:], o.Stamps)
		if o.Holder >= 0 {
			b.holder = v.senders.list[o.Holder]
		}
		v.ballots[o.Key] = b
	}
	a.own, a.session, a.stamp, a.next = v, e.Session, e.Stamp, e.Next
	for i, o := range e.Voters {
		w := &a.voters[i]
		w.token, w.instance, w.highest, w.last, w.heard, w.abstains, w.trip, w.twin = o.Token, o.Instance, o.Highest, o.Last, o.Heard, o.Abstains, o.Trip, o.Twin
	}
	for _, g := range e.Groups {
		if len(g.Votes) != len(a.voters) {
			return errEstate
		}
		c := a.subject[a.Open(g.Key, g.Term)]
		c.rank, c.wanted, c.next, c.began, c.asked, c.renews = g.Rank, g.Wanted, g.Next, g.Began, g.Asked, g.Renews
		c.until, c.strikes, c.abandoned, c.successor, c.owedUntil = g.Until, g.Strikes, g.Abandoned, g.Successor, g.OwedUntil
		for i, o := range g.Votes {
			c.votes[i] = vote{
				until: o.Until, asked: o.Asked, verb: verb(o.Verb), rank: o.Rank, holding: o.Holding, node: o.Node, opens: o.Opens, owed: o.Owed,
			}
		}
	}
	return nil
}
