package lease

// View is what a person may want to know of a lease.
type View struct {
	Known   bool   // the store has answered
	Holder  string // as the record says
	Over    bool   // it has not renewed for so long that it holds no more
	Epoch   uint64 // the last one
	Next    string // who is to claim first, where nobody holds
	Chosen  bool   // an operator made the holder what it is
	Ask     Ask    // of the best node that would rather hold, if one asks
	Until   Instant
	Barred  Instant // this node does not claim before, for its failures
	Failed  int     // failures that count so far
	Claims  Instant // this node claims then, if nothing is heard
	Trouble bool    // an answer of the store is overdue, or it was an error
}

// View shows what the candidate knows and has.
func (c *Candidate) View() View {
	r := &c.record.Record
	v := View{
		Known: c.known(), Holder: r.Holder, Epoch: c.record.epoch, Next: r.Next, Chosen: r.Chosen,
		Until: c.until, Failed: c.bar.count, Trouble: c.trouble,
	}
	v.Over = r.Holder != "" && c.epoch == 0 && c.now >= c.record.observed.Add(c.record.wait)
	if r.Ask != nil {
		v.Ask = *r.Ask
	}
	if c.now < c.bar.until {
		v.Barred = c.bar.until
	}
	if c.wanted && c.known() && c.epoch == 0 && c.record.Revision != Absent {
		v.Claims = max(c.claimAt(), c.bar.until, c.shy)
	}
	return v
}

// Until is until when this node may hold; zero where it may not.
func (c *Candidate) Until() Instant { return c.until }

// Epoch is the hold's; zero where there is none.
func (c *Candidate) Epoch() uint64 { return c.epoch }

// Highest is the highest epoch that this node has known of.
func (c *Candidate) Highest() uint64 { return c.record.epoch }

// Holder is the other node that has the lease as far as is known; empty where
// it is this one, or none.
func (c *Candidate) Holder() string {
	if c.mine() || c.epoch != 0 {
		return ""
	}
	return c.record.Record.Holder
}
