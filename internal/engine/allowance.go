package engine

import "time"

// allowance bounds the notices about a router that its LAN can cause: whoever
// forges a hundred thousand messages a second must not fill the journal with
// them, and drive out what happened.
type allowance struct{ full time.Time } // when all of it would be there again

const (
	noticesInARow = 16
	noticeRefill  = 10 * time.Second // one more each
)

// take reports whether one more notice is allowed, and counts it.
func (a *allowance) take(now time.Time) bool {
	if a.full.Before(now) {
		a.full = now
	}
	if a.full.Sub(now) > (noticesInARow-1)*noticeRefill {
		return false
	}
	a.full = a.full.Add(noticeRefill)
	return true
}
