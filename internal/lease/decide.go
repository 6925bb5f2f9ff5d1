package lease

import "time"

// claim takes the lease where nobody can hold any more.
func (c *Candidate) claim() {
	if !c.due(c.shy) || !c.due(c.bar.until) {
		if c.mine() {
			c.free(will{})
		}
		return
	}
	k := &c.record
	if c.claiming() || c.blind() || !c.due(c.retry) {
		return
	}
	if k.Revision == Absent {
		// "Not there" is no revision of its own: it may have been there and
		// gone again since it was read. What is written now has one.
		c.swap(Record{Epoch: k.epoch, Anew: true}, false)
		return
	}
	if !c.due(c.claimAt()) {
		return
	}
	c.owed = c.owe()
	chosen := k.Record.Chosen && (c.mine() || k.Record.Holder == "" && k.Record.Next == c.cfg.Node)
	c.swap(Record{
		Holder: c.cfg.Node, Place: c.cfg.Place, Epoch: c.highest() + 1,
		Priority: c.priority + c.cfg.Stickiness, Chosen: chosen, Owed: c.owed,
	}, true)
}

// highest is the highest epoch that there may be below what is written next.
func (c *Candidate) highest() uint64 {
	if last := c.onItsWay(); last != nil {
		return max(c.record.epoch, last.record.Epoch)
	}
	return c.record.epoch
}

// claiming reports whether a claim waits for its answer.
func (c *Candidate) claiming() bool {
	for i := range c.writes {
		if w := &c.writes[i]; w.tenure == c.tenure && !w.silent {
			return true
		}
	}
	return false
}

// claimAt is when this node may claim, if nothing is heard until then. Before
// that somebody else may hold, or it would be unkind.
func (c *Candidate) claimAt() Instant {
	k := &c.record
	r := &k.Record
	over := k.observed.Add(k.wait + skew(c.cfg.Term, c.priority))
	switch {
	case k.strange:
		return over
	case r.Instance == c.cfg.Instance, r.Place != "" && r.Place == c.cfg.Place:
		// What it was that held, it was behind this gate; and who gave it
		// back and wants it again has waited for the other one.
		return 0
	case r.Holder != "":
		return over
	case r.Next == c.cfg.Node:
		return 0
	case r.Next != "":
		return over // it may come late
	}
	return k.observed.Add(skew(c.cfg.Term, c.priority))
}

// renew extends the hold.
func (c *Candidate) renew() {
	c.keepReading()
	r := &c.record.Record
	switch {
	case c.mine():
	case r.Epoch > c.epoch:
		// Somebody does not keep to the rules, or a clock does not.
		c.end()
		return
	case !c.record.strange:
		return // the record is read again: what is known of it is older than the hold
	}
	if c.waitedFor() >= mostChained || c.blind() || !c.due(c.renewAt) || !c.due(c.retry) {
		return
	}
	c.swap(Record{
		Holder: c.cfg.Node, Place: c.cfg.Place, Epoch: c.epoch,
		Priority: c.priority + c.cfg.Stickiness, Chosen: c.chosen, Owed: c.owed,
	}, false)
}

// free says in the store that nobody holds.
func (c *Candidate) free(w will) {
	for i := range c.writes {
		if !c.writes[i].silent && c.writes[i].record.Holder == "" {
			return
		}
	}
	if !c.blind() && c.due(c.retry) {
		// A claim may be on its way still. What it would open is given back
		// with this.
		c.end()
		c.swap(Record{Place: c.cfg.Place, Epoch: c.record.epoch, Next: w.next, Chosen: w.chosen, Owed: c.owed}, false)
	}
}

// asking is the wish that another node hands over.
type asking struct {
	open   bool    // the time of day allows it
	since  Instant // this node has been fit, and better; 0: it is not
	again  Instant // not before
	serial uint64  // of the open question; 0: none
	at     Instant
	record Record // that it writes
	heard  *Ask   // the last one that this holder has passed on
}

// ask asks the holder to hand over, or takes that back.
func (c *Candidate) ask() {
	r, a := &c.record.Record, &c.asking
	mine := r.Ask != nil && r.Ask.Node == c.cfg.Node
	wish := c.cfg.Preempt && a.open && c.now >= c.bar.until && !c.record.strange &&
		r.Holder != "" && !c.mine() && !r.Chosen && c.priority > r.Priority
	if !wish {
		a.since = 0
		if mine {
			c.writeAsk(nil)
		}
		return
	}
	if a.since == 0 {
		a.since = c.now
	}
	if !c.due(a.since.Add(c.cfg.Delay)) || r.Ask != nil && r.Ask.Priority >= c.priority {
		return
	}
	c.writeAsk(&Ask{Node: c.cfg.Node, Priority: c.priority})
}

// writeAsk changes the Ask alone. It is no renewal.
func (c *Candidate) writeAsk(ask *Ask) {
	a := &c.asking
	if a.serial != 0 || !c.due(a.again) || !c.due(c.retry) {
		return
	}
	a.record = c.record.Record
	a.record.Ask = ask
	a.serial, a.at = c.next(), c.now
	a.again = c.now.Add(max(5*c.cfg.Term, 2*time.Second))
	c.query(Query{
		Kind: Swap, Serial: a.serial, Within: c.cfg.Term,
		If: Condition{Revision: c.record.Revision}, Record: a.record,
	})
}

// askAnswered takes the store's answer to that.
func (c *Candidate) askAnswered(reply *Answer) {
	a := &c.asking
	a.serial = 0
	if reply.OK {
		reply.Found.Record = a.record
	} else {
		a.again = c.now.Add(pause(c.cfg.Term))
	}
	c.replied(reply)
}

// hear passes on that another node would rather hold.
func (c *Candidate) hear() {
	ask := c.record.Record.Ask
	if ask == nil || !c.mine() || c.asking.heard != nil && *c.asking.heard == *ask {
		return
	}
	heard := *ask
	c.asking.heard = &heard
	c.out = append(c.out, Action{Kind: ActionAsked, Node: ask.Node, Priority: ask.Priority})
}

// pause is the time before something is tried again that another writer came
// in the way of.
func pause(term time.Duration) time.Duration { return min(pace(term)/8, 10*time.Millisecond) }
