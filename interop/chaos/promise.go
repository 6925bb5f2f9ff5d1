package chaos

import "slices"

// Promise is what a run is held to.
type Promise struct {
	One       bool // at no instant do two nodes answer
	HeardOnly bool // only overlaps that a client could hear count
}

// promise says whether holdfast is held to one holder at a time. Off, what two
// holders there are is printed, and everything else is still demanded.
const promise = true

// promises says what is promised under the faults of a plan: one holder at a
// time, whatever happens to processes, to the scheduler, to hosts and by
// operators; and when nodes do not hear each other, under a guard that asks
// before it holds. A guard that prefers an answer to no answer gives two then,
// which the tables say as a number.
func promises(p Plan) Promise {
	network := slices.Contains(p.Classes(), OfNetwork)
	return Promise{One: promise && (!network || p.Mode.Guard != Available), HeardOnly: network}
}
