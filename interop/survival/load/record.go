package load

import (
	"net/netip"
	"time"
)

// Kind is what a connection is for.
type Kind uint8

// The kinds of connections.
const (
	Echo     Kind = iota // stays open, says something now and then and hears it again
	Idle                 // stays open, and says nothing between Begin and Settle
	Download             // stays open, and gets a stream of bytes
	Request              // a new connection that asks, gets an answer and ends
)

func (k Kind) String() string {
	return [...]string{"echo", "idle", "download", "request"}[k]
}

// Outcome is how an exchange ended.
type Outcome uint8

// The ways in which an exchange ends.
const (
	Done    Outcome = iota
	Reset           // by a RST: a reset or refused connection
	Closed          // the other end said that all was said, and it was not
	Wrong           // other bytes came than had to come
	Silence         // nothing came for as long as the client is patient
	Failed          // any other error
)

func (o Outcome) String() string {
	return [...]string{"done", "reset", "closed", "wrong bytes", "silence", "failed"}[o]
}

// Record is one exchange: a number and its echo, a request and its answer, or a
// piece of a download since the one before. Of a connection of a kind other than
// Request any outcome but Done is its last one.
type Record struct {
	Began   time.Duration // since Begin
	Took    time.Duration
	Kind    Kind
	Outcome Outcome
	Backend uint8 // its number, where the outcome is Done
	// From is the client's end, where it is worth to be known: the outcome is not
	// Done, or it took longer than an exchange does that nothing has delayed.
	From netip.AddrPort
}

// prompt is how long an exchange may take that nobody asks after.
const prompt = 200 * time.Millisecond

// Ended is the instant of its end.
func (r Record) Ended() time.Duration { return r.Began + r.Took }
