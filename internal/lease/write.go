package lease

import (
	"slices"
	"time"
)

// write is a Swap of this node that may have taken effect, or may still do so.
type write struct {
	serial uint64
	record Record
	sent   Instant
	counts time.Duration // for how long it extends a hold, from sent on
	tenure uint64
	claims bool
	chains bool // it depends on the one before
	silent bool // no answer is waited for any more
}

const (
	// most renewals are on their way at once.
	mostChained = 4
	// mostWrites are remembered. Forgetting one is safe: its effect, if there
	// is one, just extends nothing.
	mostWrites = 16
)

// swap writes a record over what is known, or over the last write that is
// still on its way.
func (c *Candidate) swap(r Record, claims bool) {
	q := Query{Kind: Swap, Serial: c.next(), Within: c.cfg.Term, If: Condition{Revision: c.record.Revision}}
	w := write{serial: q.Serial, sent: c.now, counts: counted(c.cfg.Term), tenure: c.tenure, claims: claims}
	if last := c.onItsWay(); last != nil {
		q.If = Condition{After: &last.record}
		w.chains = true
		r.Epoch = max(r.Epoch, last.record.Epoch)
	}
	c.renewal = max(c.renewal, c.record.Record.Renewal) + 1
	r.Format, r.Instance, r.Renewal, r.Term = Format, c.cfg.Instance, c.renewal, c.cfg.Term
	w.record, q.Record = r, r
	if len(c.writes) == mostWrites {
		c.writes = slices.Delete(c.writes, 0, 1)
	}
	c.writes = append(c.writes, w)
	c.renewAt = c.now.Add(pace(c.cfg.Term))
	c.query(q)
}

func (c *Candidate) query(q Query) { c.out = append(c.out, Action{Kind: ActionQuery, Query: q}) }

func (c *Candidate) next() uint64 {
	c.serial++
	return c.serial
}

// blind reports whether the record has to be read before anything is written.
func (c *Candidate) blind() bool { return c.reading.wanted && c.onItsWay() == nil }

// onItsWay is the last write that has no answer yet.
func (c *Candidate) onItsWay() *write {
	if n := len(c.writes); n > 0 && !c.writes[n-1].silent {
		// A copy: the slice moves.
		w := c.writes[n-1]
		return &w
	}
	return nil
}

// waitedFor counts the writes that have no answer yet.
func (c *Candidate) waitedFor() int {
	n := 0
	for i := range c.writes {
		if !c.writes[i].silent {
			n++
		}
	}
	return n
}

// giveUpWaiting stops waiting for answers that are of no use any more. What
// was asked may still happen.
func (c *Candidate) giveUpWaiting() {
	for i := range c.writes {
		if w := &c.writes[i]; !w.silent && c.due(w.sent.Add(c.cfg.Term)) {
			w.silent, c.trouble = true, true
		}
	}
	if c.asking.serial != 0 && c.due(c.asking.at.Add(c.cfg.Term)) {
		c.asking.serial = 0
	}
}

// answer takes what the store said.
func (c *Candidate) answer(a *Answer) {
	if a.Kind != Watch {
		c.trouble = a.Err != nil
	}
	switch {
	case a.Kind == Watch:
		c.watchEnded(a)
	case a.Kind == Get:
		c.got(a)
	case a.Serial == c.asking.serial:
		c.askAnswered(a)
	default:
		c.swapped(a)
	}
}

func (c *Candidate) swapped(a *Answer) {
	i := slices.IndexFunc(c.writes, func(w write) bool { return w.serial == a.Serial })
	switch {
	case i < 0: // forgotten, or known to have happened
		c.replied(a)
	case a.Err != nil:
		c.writes[i].silent = true
		c.stumble()
	case a.OK:
		a.Found.Record = c.writes[i].record
		c.landed(i)
		c.replied(a)
	case a.Found.Revision == "":
		c.doubt(i)
	default:
		c.replied(a)
		// A request that was carried out twice fails the second time: what
		// is there now tells. Learning it has taken such a write off the list.
		if i := slices.IndexFunc(c.writes, func(w write) bool { return w.serial == a.Serial }); i >= 0 {
			c.missed(i)
		}
	}
}

// replied learns what a swap has found.
func (c *Candidate) replied(a *Answer) {
	switch {
	case a.Err != nil:
	case a.Found.Revision != "":
		c.learn(a.Found, a.Serial)
	default:
		c.reading.wanted = true
	}
}

// landed notes that a write took effect, however late that is known. The ones
// before it have nothing left to say.
func (c *Candidate) landed(i int) {
	w := c.writes[i]
	c.writes = slices.Delete(c.writes, 0, i+1)
	if w.record.Holder == "" || w.tenure != c.tenure {
		return
	}
	until := w.sent.Add(w.counts)
	switch {
	case c.epoch == w.record.Epoch:
		c.until = max(c.until, until)
	case w.claims && c.epoch == 0 && until >= c.now.Add(pace(c.cfg.Term)):
		c.until, c.epoch, c.chosen = until, w.record.Epoch, w.record.Chosen
		c.shyness = 0
	case w.claims && c.epoch == 0:
		c.shrink()
	}
}

// missed notes that a write did not take effect and never will, nor those that
// depend on it.
func (c *Candidate) missed(i int) {
	n := i + 1
	for n < len(c.writes) && c.writes[n].chains {
		n++
	}
	c.writes = slices.Delete(c.writes, i, n)
	c.renewAt = c.now
	c.retry = max(c.retry, c.now.Add(pause(c.cfg.Term)))
}

// doubt stops counting on a write that the store says did not take effect,
// without saying what is there instead, and on those that depend on it.
func (c *Candidate) doubt(i int) {
	c.writes[i].silent = true
	for n := i + 1; n < len(c.writes) && c.writes[n].chains; n++ {
		c.writes[n].silent = true
	}
	c.reading.wanted = true
	c.renewAt = c.now
}

// stumble waits for a moment after an error.
func (c *Candidate) stumble() {
	c.retry = c.now.Add(min(pace(c.cfg.Term)/2, 250*time.Millisecond))
	c.renewAt = min(c.renewAt, c.retry)
}

// shrink stays away for a while: the claim took so long that the hold would be
// over before it is extended. Others must not wait for one that comes to
// nothing.
func (c *Candidate) shrink() {
	c.shy = c.now.Add(c.cfg.Term / 2 << min(c.shyness, 3))
	c.shyness++
	c.tenure++
}
