package vote

import "time"

// Gateway is the weak guard: this node may hold while an address answers it.
// It isolates a node that has lost its LAN and nothing more: two nodes that do
// not hear each other, and both reach the gateway, both have its leave.
//
// As with promises, an answer counts from when the question was sent.
type Gateway struct {
	term  time.Duration
	sent  [4]Instant // by number
	seq   uint16
	until Instant
}

// NewGateway makes one with the term of its group, see TermOf.
func NewGateway(term time.Duration) Gateway { return Gateway{term: term} }

// Ask returns the number of a question that is sent now, the next one being
// due a third of the term later.
func (g *Gateway) Ask(now Instant) (seq uint16, next Instant) {
	g.seq++
	g.sent[g.seq%uint16(len(g.sent))] = now
	return g.seq, renewal(now, g.term)
}

// Answered takes the answer to a question.
func (g *Gateway) Answered(seq uint16) {
	if g.seq-seq < uint16(len(g.sent)) {
		if sent := g.sent[seq%uint16(len(g.sent))]; sent != 0 {
			g.until = max(g.until, sent.add(counted(g.term)))
		}
	}
}

// Until is the instant to which this node may hold.
func (g *Gateway) Until() Instant { return g.until }
