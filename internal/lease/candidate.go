package lease

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/internal/hold"
)

// Instant is a time by a clock of this machine that goes on while it sleeps.
type Instant = hold.Instant

// never is later than any instant.
const never Instant = math.MaxInt64

// Config is what a candidate is made of.
type Config struct {
	Node string
	// Instance is this process: no other one may ever have the same.
	Instance string
	// Place is the kernel whose gate this process commands, if it can be
	// named: what an earlier process here held, this one may take at once.
	Place string
	// Term is how long the others wait after a renewal.
	Term time.Duration
	// Stickiness is what a holder has in addition to its priority.
	Stickiness int
	// Preempt has this node ask a holder of lower priority to hand over, once
	// it has been fit for the time Delay.
	Preempt bool
	Delay   time.Duration
	// Failures of this node within BarredFor bar it from holding for that
	// time. 0 never does.
	Failures  int
	BarredFor time.Duration
	// Floor is the highest epoch that this node has known of in its life. A
	// store that was wiped, or brought back from a backup, knows less: what is
	// claimed goes beyond it all the same.
	Floor uint64
	// Fences has the record name the nodes whose holds ran out, until they are
	// said to be settled.
	Fences bool
}

func (c *Config) validate() error {
	switch {
	case c.Node == "":
		return errors.New("cannot make candidate: its node has no name")
	case c.Instance == "":
		return errors.New("cannot make candidate: its process has no name")
	case c.Term < MinTerm || c.Term > MaxTerm:
		return fmt.Errorf("cannot make candidate: its term of %s is none (%s to %s)", c.Term, MinTerm, MaxTerm)
	}
	return nil
}

// Candidate is one node's part in one lease. Its methods are for one
// goroutine.
type Candidate struct {
	cfg      Config
	wanted   bool
	priority int
	begun    bool
	will     will // of the hold that was given back

	// tenure counts what begins and ends here: a wish, a hold. What was
	// written in an earlier one extends nothing.
	tenure uint64
	until  Instant // of the hold
	epoch  uint64  // of the hold; 0: there is none
	chosen bool    // by an operator
	owed   string  // what a claim has found: see Record.Owed
	told   Instant // the last Hold

	record  knowledge
	writes  []write // in the order in which they were sent
	renewal uint64  // of the last one
	serial  uint64
	reading reading
	watch   watch
	renewAt Instant // the next renewal
	retry   Instant // nothing is written before
	shy     Instant // no claim before
	shyness int
	asking  asking
	bar     bar
	trouble bool // the last answer was an error, or is overdue

	now  Instant
	wake Instant
	out  []Action
}

// will is what a node wishes that gives its hold back.
type will struct {
	next   string
	chosen bool
	none   bool // nothing is said
}

// New makes a candidate that wants nothing yet.
func New(cfg Config) (*Candidate, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	c := &Candidate{cfg: cfg}
	c.record.epoch = cfg.Floor
	c.asking.open = true
	return c, nil
}

// Step tells the candidate what happened, and appends what must be done to
// out, in that order: a Hold comes before a Query that depends on it. now is
// read after the event arrived, and before anything in out is done.
func (c *Candidate) Step(now Instant, ev Event, out []Action) []Action {
	c.now, c.out = now, out
	first := len(out)
	c.expire()
	switch ev.Kind {
	case EventTick:
	case EventWant:
		c.want(ev.Priority)
	case EventRelease:
		c.release(will{next: ev.Next, chosen: ev.Chosen})
	case EventForsake:
		c.release(will{none: true})
	case EventAnswer:
		c.answer(&ev.Answer)
	case EventChanged:
		c.learn(ev.Answer.Found, 0)
	case EventFailed:
		if c.bar.failed(now, &c.cfg); c.epoch == 0 && now < c.bar.until {
			c.end() // also what is on its way
		}
	case EventForgiven:
		c.bar = bar{}
	case EventSettled:
		c.settled(ev.Next)
	case EventWindow:
		c.asking.open = ev.Open
	}
	for n := -1; n != len(c.out); {
		// Once more after the last Query, for when to look after it.
		n, c.wake = len(c.out), never
		c.settle()
	}
	if c.told != c.until {
		c.told = c.until
		c.out = slices.Insert(c.out, first, Action{Kind: ActionHold, Until: c.until, Epoch: c.epoch})
	}
	out, c.out = c.out, nil
	return out
}

// Deadline is when Step wants a Tick.
func (c *Candidate) Deadline() Instant { return c.wake }

// due reports whether an instant has come; where it has not, Step wants to be
// called then.
func (c *Candidate) due(t Instant) bool {
	if c.now >= t {
		return true
	}
	c.wake = min(c.wake, t)
	return false
}

func (c *Candidate) want(priority int) {
	c.priority = priority
	if !c.wanted {
		c.wanted = true
		c.tenure++
	}
}

// release gives the hold back. The gate is closed.
func (c *Candidate) release(w will) {
	if !c.wanted {
		return
	}
	c.wanted, c.will = false, w
	c.end()
}

// end ends what was held, or could have come of what was written.
func (c *Candidate) end() {
	c.tenure++
	c.until, c.epoch, c.chosen = 0, 0, false
}

// expire notes that a hold has ended by itself. A node that cannot keep one
// does not ask others for theirs, for a while.
func (c *Candidate) expire() {
	if c.until != 0 && c.now >= c.until {
		c.end()
		c.asking.again = c.now.Add(max(20*c.cfg.Term, 5*time.Second))
	}
}

// settle does what is due.
func (c *Candidate) settle() {
	if !c.begun {
		c.begun = true
		c.read()
	}
	c.giveUpWaiting()
	c.keepWatching()
	switch {
	case !c.known():
		c.keepReading()
	case c.epoch != 0:
		c.due(c.until)
		c.hear()
		c.renew()
	case c.wanted:
		c.keepReading()
		c.claim()
		c.ask()
	case c.mine() && !c.will.none:
		c.free(c.will)
	default:
		c.keepReading()
	}
}

// counted is how long a holder counts a term for its own: less than the
// others do, by more than clocks run at different rates. A time daemon may
// slew by 8 % (chrony); crystals differ by far less.
func counted(term time.Duration) time.Duration { return term - term/10 - time.Millisecond }

// pace is the time between two renewals. Several may be on their way at once,
// so a hold goes on for as long as a renewal takes less than what is counted
// of a term, less one pace.
func pace(term time.Duration) time.Duration { return term / 4 }

// Slack is how long a renewal may take before the hold that it is to extend is
// over.
func Slack(term time.Duration) time.Duration { return counted(term) - pace(term) }

// skew is for how long a node of some priority lets better ones go first.
func skew(term time.Duration, priority int) time.Duration {
	most := min(term/10, 50*time.Millisecond)
	return most * time.Duration(255-min(max(priority, 0), 255)) / 255
}
