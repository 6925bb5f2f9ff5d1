package apart

import (
	"net/netip"

	"github.com/holdfast-net/holdfast/internal/balance"
)

// request is what the daemon says. Each gets one reply, in order.
type request struct {
	Plans   []*balance.Plan // Apply
	Service string          // Usage, where it is not empty
	Find    *where          // Find
	Room    bool            // Room
}

// where is the flow that is asked about.
type where struct {
	Service string
	At      balance.Endpoint
	Client  netip.AddrPort
}

// reply is the answer.
type reply struct {
	Err   string // empty: it was done
	Usage map[uint32]balance.Usage
	Sight balance.Sight
	Room  balance.Room
}
