package vote

import "time"

// Gateway is the weak guard: this node may hold while an address of its LAN
// answers it. It isolates a node that has lost its LAN and nothing more: two
// nodes that do not hear each other, and both reach the gateway, both have its
// leave.
//
// As with promises, an answer counts from when the question was sent. The
// answers have no numbers (neither ARP nor neighbour discovery has any), so of
// several questions that may have been answered it is the oldest one that
// counts, and another one is due at once, whose answer is certain.
type Gateway struct {
	term  time.Duration
	asked Instant // the oldest question without an answer; 0: none
	open  int     // how many there are
	next  Instant
	until Instant
}

// NewGateway makes one with the term of its group, see TermOf.
func NewGateway(term time.Duration) Gateway { return Gateway{term: term} }

// Next is when the next question is due: a third of the term after the last
// one, together with those of all groups that have this term; and sooner where
// that one is not answered, for as long as an answer may still come in time.
func (g *Gateway) Next() Instant { return g.next }

// Ask notes a question that is sent after now.
func (g *Gateway) Ask(now Instant) {
	if g.asked == 0 || now >= g.asked.add(counted(g.term)) {
		g.asked, g.open = now, 0 // an answer to what is older is worth nothing
	}
	g.open++
	g.next = renewal(now, g.term)
	if now < g.until {
		g.next = min(g.next, now.add(retry(g.term)))
	}
}

// Silent reports whether the last question has not been answered.
func (g *Gateway) Silent() bool { return g.open > 0 }

// Answered takes an answer. One that nothing was asked for counts for nothing.
func (g *Gateway) Answered(now Instant) {
	if g.asked == 0 {
		return
	}
	g.until = max(g.until, g.asked.add(counted(g.term)))
	g.next = renewal(now, g.term)
	if g.open > 1 {
		g.next = now
	}
	g.asked, g.open = 0, 0
}

// Until is the instant to which this node may hold.
func (g *Gateway) Until() Instant { return g.until }
