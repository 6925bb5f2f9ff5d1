package lease

import "time"

// Estate is what the candidate of one process leaves to that of the next on
// the same machine, when the program is replaced: the hold goes on. Instants
// are of the clock that both read.
type Estate struct {
	Instance string
	Wanted   bool
	Priority int
	Will     string        `json:",omitempty"`
	Until    Instant       `json:",omitempty"`
	Epoch    uint64        `json:",omitempty"`
	Chosen   bool          `json:",omitempty"`
	Owed     string        `json:",omitempty"`
	Found    *Found        `json:",omitempty"` // nil: nothing is known
	Observed Instant       `json:",omitempty"`
	Wait     time.Duration `json:",omitempty"`
	Strange  bool          `json:",omitempty"`
	Highest  uint64        `json:",omitempty"`
	Renewal  uint64        `json:",omitempty"`
	Failures int           `json:",omitempty"`
	Failed   Instant       `json:",omitempty"`
	Barred   Instant       `json:",omitempty"`
}

// Estate draws it up. What is on its way to the store is left behind: it
// extends nothing any more.
func (c *Candidate) Estate() Estate {
	e := Estate{
		Instance: c.cfg.Instance, Wanted: c.wanted, Priority: c.priority, Will: c.will.next,
		Until: c.until, Epoch: c.epoch, Chosen: c.chosen, Owed: c.owed,
		Observed: c.record.observed, Wait: c.record.wait, Strange: c.record.strange, Highest: c.highest(),
		Renewal: max(c.renewal, c.record.Record.Renewal), Failures: c.bar.count, Failed: c.bar.last, Barred: c.bar.until,
	}
	if c.known() {
		f := c.record.Found
		e.Found = &f
	}
	return e
}

// Inherit makes a new candidate go on with an estate. It has the instance of
// the one before, and writes nothing that one may have written.
func (c *Candidate) Inherit(e Estate) {
	c.cfg.Instance = e.Instance
	c.wanted, c.priority, c.will.next = e.Wanted, e.Priority, e.Will
	c.until, c.epoch, c.chosen, c.owed = e.Until, e.Epoch, e.Chosen, e.Owed
	c.tenure++
	c.told = c.until
	c.renewal = e.Renewal
	c.record = knowledge{observed: e.Observed, wait: e.Wait, strange: e.Strange, epoch: max(e.Highest, c.cfg.Floor)}
	if e.Found != nil {
		c.record.Found = *e.Found
	}
	c.bar = bar{count: e.Failures, last: e.Failed, until: e.Barred}
}

// Reconfigure changes what the candidate is made of, but for its node, instance
// and place. A term that gets shorter ends the hold sooner from now on: others
// may hear of it before this node hears that they did.
func (c *Candidate) Reconfigure(now Instant, cfg Config, out []Action) ([]Action, error) {
	cfg.Node, cfg.Instance, cfg.Place, cfg.Floor = c.cfg.Node, c.cfg.Instance, c.cfg.Place, c.cfg.Floor
	if err := cfg.validate(); err != nil {
		return out, err
	}
	shorter := cfg.Term < c.cfg.Term
	c.cfg = cfg
	if shorter {
		counts := counted(cfg.Term)
		for i := range c.writes {
			c.writes[i].counts = min(c.writes[i].counts, counts)
		}
		if c.until != 0 {
			c.until = min(c.until, now.Add(counts))
		}
	}
	c.renewAt = now
	return c.Step(now, Tick(), out), nil
}
