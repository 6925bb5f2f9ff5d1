package tickle

import "time"

// campaign is what a new holder does to reset the connections of an address that
// it knows of.
//
// The first ACK leaves when hosts and switches have had time to hear where the
// address is now: an answer that goes to the old holder is lost, and Linux
// answers such an ACK only every half second (net.ipv4.tcp_invalid_ratelimit).
// So the second one is for where the first was lost on its way there, and the
// others are far enough apart to be answered again.
type campaign struct {
	begun   time.Time
	all     []Connection
	pending map[Connection]bool
	queue   []Connection // to poke in this round
	round   int          // the next one
	next    time.Time    // when there is something to do

	sent, answered, renewed int
	first, last             time.Duration // of the answers, since it began
}

var rounds = [...]time.Duration{
	10 * time.Millisecond, 100 * time.Millisecond, 650 * time.Millisecond, 1300 * time.Millisecond,
	2500 * time.Millisecond, 5 * time.Second,
}

const (
	// volley is how many ACKs leave at once, and reload how long is waited
	// then: 51,200 a second.
	volley = 512
	reload = 10 * time.Millisecond
	// patience is how long after the last round answers are waited for.
	patience = time.Second
)

func newCampaign(now time.Time, known []Connection) *campaign {
	c := &campaign{begun: now, all: known, pending: make(map[Connection]bool, len(known)), next: now.Add(rounds[0])}
	for _, x := range known {
		c.pending[x] = true
	}
	return c
}

// poke gives the connections to send an ACK for now, and moves next on.
func (c *campaign) poke(now time.Time) (out []Connection) {
	if c.next.After(now) || c.over(now) {
		return nil
	}
	if len(c.queue) == 0 {
		c.round++
		c.queue = c.all
	}
	for len(c.queue) > 0 && len(out) < volley {
		x := c.queue[0]
		c.queue = c.queue[1:]
		if c.pending[x] { // it may have answered meanwhile
			out = append(out, x)
		}
	}
	c.sent += len(out)
	switch {
	case len(c.queue) > 0:
		c.next = now.Add(reload)
	case c.round == len(rounds):
		c.next = now.Add(patience)
	default:
		// A round that took long must not run into the next one: what was
		// poked last has to be able to answer.
		c.next = c.begun.Add(rounds[c.round])
		if c.next.Before(now.Add(reload)) {
			c.next = now.Add(reload)
		}
	}
	return out
}

// heard takes in that a client said something of a connection, and reports
// whether it is to be reset.
func (c *campaign) heard(now time.Time, a Answer) bool {
	if !c.pending[a.Connection] {
		return false
	}
	delete(c.pending, a.Connection)
	if a.New {
		c.renewed++
		return false
	}
	c.answered++
	c.last = now.Sub(c.begun)
	if c.answered == 1 {
		c.first = c.last
	}
	return true
}

// over reports whether nothing is left to do.
func (c *campaign) over(now time.Time) bool {
	return len(c.pending) == 0 || c.round == len(rounds) && len(c.queue) == 0 && !c.next.After(now)
}
