package vote

import "time"

// patience is how many terms a candidate asks without a majority before it
// lets go.
const patience = 2

// want makes a candidate of this node.
func (a *Agent) want(now Instant, s Subject, rank uint8, out *Out) {
	c := a.subject[s]
	c.rank = rank
	if c.wanted {
		return
	}
	c.wanted, c.began, c.strikes = true, 0, 0
	for i := range c.votes {
		c.votes[i].owed = false
	}
	a.act(now, s, out)
}

// release gives back what was promised. The order matters: nothing is counted
// any more before anybody may promise it to another one.
func (a *Agent) release(now Instant, s Subject, to string, out *Out) {
	c := a.subject[s]
	if !c.wanted {
		return
	}
	c.wanted, c.successor = false, 0
	if to != "" {
		c.successor = HashName(to)
	}
	a.letGo(now, s, out)
}

// forsake stops asking, and gives nothing back.
func (a *Agent) forsake(s Subject, out *Out) {
	c := a.subject[s]
	if !c.wanted {
		return
	}
	c.wanted, c.successor = false, 0
	c.abandoned, c.began, c.owedUntil = a.stamp, 0, 0
	for i := range c.votes {
		v := &c.votes[i]
		v.owed, v.until, v.verb = false, 0, 0
	}
	a.recount(s, out)
}

// letGo releases every vote that this node has or may have.
func (a *Agent) letGo(now Instant, s Subject, out *Out) {
	c := a.subject[s]
	c.abandoned, c.began = a.stamp, 0
	c.owedUntil = now.add(c.term)
	for i := range c.votes {
		v := &c.votes[i]
		// Who refused has nothing to give back.
		v.owed = i != a.self && (v.verb == granted || v.verb == 0 && (v.asked > 0 || v.queued > 0))
		v.until, v.verb = 0, 0
	}
	a.recount(s, out)
	e := entry{key: c.key, verb: opRelease, time: c.term, node: c.successor}
	a.own.decide(now, a.me, a.nextStamp(now), &e)
	a.sendOwed(c)
	c.next = renewal(now, c.term)
	a.sooner(c.next)
}

// sendOwed tells voters of a release that they have not confirmed.
func (a *Agent) sendOwed(c *candidate) (some bool) {
	for i := range c.votes {
		if c.votes[i].owed {
			a.enqueue(c, i, entry{key: c.key, verb: opRelease, time: c.term, node: c.successor})
			some = true
		}
	}
	return some
}

// act does what is due for a subject.
func (a *Agent) act(now Instant, s Subject, out *Out) {
	c := a.subject[s]
	c.next = 0
	switch {
	case !c.wanted:
		if now < c.owedUntil && a.sendOwed(c) {
			c.next = renewal(now, c.term)
		}
	case c.holding(now):
		c.began = now
		if now >= c.renews {
			a.round(now, s, out)
		} else {
			a.again(now, c)
		}
		c.next = c.pace(now)
	case c.began == 0:
		if wait := a.ownWait(now, c); wait > 0 {
			c.next = now.add(wait)
			break
		}
		c.began = now
		a.round(now, s, out)
		a.settle(now, s, out)
	case now > c.began.add(patience*c.term):
		a.giveUp(now, s, out)
	default:
		a.round(now, s, out)
		a.settle(now, s, out)
	}
	a.sooner(c.next)
}

// ownWait is how long our own voter is not free for us.
func (a *Agent) ownWait(now Instant, c *candidate) time.Duration {
	if wait := a.own.Abstains(now); wait > 0 {
		return wait
	}
	b := a.own.ballot(now, c.key)
	if b == nil {
		return c.term
	}
	if why, free := b.freeFor(now, a.me); !free {
		return why.time
	}
	return 0
}

// again repeats what was asked to those who have not answered.
func (a *Agent) again(now Instant, c *candidate) {
	for i := range c.votes {
		if i != a.self && c.votes[i].verb == 0 {
			a.enqueue(c, i, entry{key: c.key, verb: opAsk, rank: c.rank, holding: c.holding(now), time: c.term})
		}
	}
}

// round asks every voter, our own at once.
func (a *Agent) round(now Instant, s Subject, out *Out) {
	c := a.subject[s]
	c.asked, c.renews = now, renewal(now, c.term)
	e := entry{key: c.key, verb: opAsk, rank: c.rank, holding: c.holding(now), time: c.term}
	for i := range c.votes {
		if i != a.self {
			c.votes[i].owed = false
			a.enqueue(c, i, e)
			continue
		}
		stamp := a.nextStamp(now)
		if answer, ok := a.own.decide(now, a.me, stamp, &e); ok {
			c.votes[i].asked = stamp
			a.hear(now, c, i, stamp, &answer)
		}
	}
	a.recount(s, out)
}

// recount finds out until when there is a majority.
func (a *Agent) recount(s Subject, out *Out) {
	c := a.subject[s]
	if until := c.count(); until != c.until {
		c.until = until
		out.Changed = append(out.Changed, s)
	}
}

// settle decides how a candidate that asked goes on.
func (a *Agent) settle(now Instant, s Subject, out *Out) {
	c := a.subject[s]
	switch {
	case !c.wanted || c.began == 0:
		return
	case c.holding(now):
		c.strikes = 0
		c.next = c.pace(now)
	default:
		o := c.obstacle(now, a.id)
		if o.yield {
			a.giveWay(now, s, o.until, out)
			break
		}
		c.next = now.add(c.retry())
		if o.until > now {
			c.next = min(c.next, o.until)
		}
	}
	a.sooner(c.next)
}

// giveWay lets go of what a candidate without a majority has, for a while.
func (a *Agent) giveWay(now Instant, s Subject, until Instant, out *Out) {
	c := a.subject[s]
	c.successor = 0
	a.letGo(now, s, out)
	c.next = max(until, now+1)
}

// giveUp ends an attempt in vain: voters that cannot hear us all shall not
// wait for us for ever. The place among the voters keeps two candidates from
// coming back together.
func (a *Agent) giveUp(now Instant, s Subject, out *Out) {
	c := a.subject[s]
	c.strikes = min(c.strikes+1, 4)
	until := now.add(time.Duration(c.strikes)*c.term + time.Duration(a.self)*c.term/marginShare)
	for i := range c.votes {
		// It is not in vain to ask a voter again that said when it votes.
		if v := &c.votes[i]; v.verb == abstains && v.opens > now {
			until = min(until, v.opens)
		}
	}
	a.giveWay(now, s, until, out)
}
