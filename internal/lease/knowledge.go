package lease

import (
	"slices"
	"time"
)

// knowledge is what a candidate knows of the record, as of when it learned it.
type knowledge struct {
	Found
	observed Instant       // when the last renewal was seen: not before it was written
	wait     time.Duration // for which another node may hold since then
	// strange says that this is not what the last record known has become by
	// the rules: it is gone, or an older one is back. What it says of a holder
	// is not believed, somebody who holds by what was there before may.
	strange bool
	asked   uint64 // questions up to here were asked before it was learned
	epoch   uint64 // the highest seen
}

// mark names a renewal: whatever else changes in a record, its holder has not
// said anything new.
type mark struct {
	instance string
	renewal  uint64
}

func markOf(r *Record) mark { return mark{r.Instance, r.Renewal} }

// known reports whether anything is.
func (c *Candidate) known() bool { return c.record.Revision != "" }

// mine reports whether the record says that this process holds.
func (c *Candidate) mine() bool {
	r := &c.record.Record
	return r.Holder == c.cfg.Node && r.Instance == c.cfg.Instance
}

// learn takes in what a store has found. asked is the question's number, 0
// where it was not asked: such news may be old, and so may an answer be that
// was asked for before something newer was learned.
func (c *Candidate) learn(f Found, asked uint64) {
	if f.Revision != Absent && f.Record.Instance == c.cfg.Instance {
		is := func(w write) bool { return w.record.Renewal == f.Record.Renewal }
		if i := slices.IndexFunc(c.writes, is); i >= 0 {
			c.landed(i)
		}
	}
	k := &c.record
	first := !c.known()
	forth := f.Revision != Absent && f.Record.Renewal > k.Record.Renewal
	back := !first && (f.Revision == Absent && k.Revision != Absent || f.Record.Renewal < k.Record.Renewal)
	if back && asked <= k.asked {
		c.reading.wanted = true
		return
	}
	if first || markOf(&f.Record) != markOf(&k.Record) || f.Revision == Absent && k.Revision != Absent {
		c.observe(&f, first, forth)
	}
	k.Found = f
	k.asked = c.serial
	k.epoch = max(k.epoch, f.Record.Epoch)
}

// observe notes a renewal.
func (c *Candidate) observe(f *Found, first, forth bool) {
	k := &c.record
	k.observed = c.now
	k.strange = f.Revision == Absent || f.Record.Anew || !first && !forth
	if k.strange {
		k.wait = max(k.Record.Term, f.Record.Term, c.cfg.Term)
	} else {
		k.wait = f.Record.Term
	}
	c.asking.heard = nil
}

// reading is a question that is open.
type reading struct {
	serial uint64 // 0: none is
	at     Instant
	wanted bool
	again  Instant // not before
}

// read asks what is there.
func (c *Candidate) read() {
	c.reading = reading{serial: c.next(), at: c.now, wanted: c.reading.wanted}
	c.query(Query{Kind: Get, Serial: c.reading.serial, Within: c.patience()})
}

// patience is how long a question that is not about a renewal may take.
func (c *Candidate) patience() time.Duration { return max(c.cfg.Term, time.Second) }

// keepReading asks where something has been heard that cannot be, or nothing
// at all although the holder should have renewed: the watch may be broken
// without a word.
func (c *Candidate) keepReading() {
	if c.reading.serial != 0 {
		if c.due(c.reading.at.Add(c.patience())) {
			c.trouble = true
			c.read()
		}
		return
	}
	quiet := never
	if r := &c.record.Record; c.known() && r.Holder != "" && c.wanted {
		quiet = max(c.record.observed, c.reading.at).Add(Unwatched(r.Term))
	}
	if c.reading.wanted || !c.known() {
		quiet = c.reading.again
	}
	if quiet != never && c.due(quiet) {
		c.read()
	}
}

func (c *Candidate) got(a *Answer) {
	if a.Serial == c.reading.serial {
		c.reading.serial, c.reading.wanted = 0, a.Err != nil
		c.reading.again = c.now.Add(pause(c.cfg.Term))
		if a.Err != nil {
			c.reading.again = c.now.Add(pace(c.cfg.Term))
		}
	}
	if a.Err == nil && a.Found.Revision != "" {
		c.learn(a.Found, a.Serial)
	}
}

// watch is the standing question.
type watch struct {
	serial uint64
	again  Instant
}

func (c *Candidate) keepWatching() {
	if c.watch.serial == 0 && c.due(c.watch.again) {
		c.watch.serial = c.next()
		c.query(Query{Kind: Watch, Serial: c.watch.serial})
	}
}

func (c *Candidate) watchEnded(a *Answer) {
	if a.Serial == c.watch.serial {
		c.watch = watch{again: c.now.Add(pace(c.cfg.Term))}
	}
}

// Unwatched is how old what is known of a lease of that term may get before it
// is read: watches are silent where a member of the store is lost, too.
func Unwatched(term time.Duration) time.Duration { return term / 2 }
