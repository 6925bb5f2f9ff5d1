package apart

import (
	"github.com/holdfast-net/holdfast/internal/balance"
)

// request is what the daemon says. Each gets one reply, in order.
type request struct {
	Plans   []*balance.Plan // Apply
	Service string          // Usage, where it is not empty
}

// reply is the answer.
type reply struct {
	Err   string // empty: it was done
	Usage map[uint32]balance.Usage
}
