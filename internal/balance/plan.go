package balance

import (
	"errors"
	"net/netip"
)

// State is what a plane does with a backend.
type State uint8

const (
	// Up: the table names it, so it gets new flows. So it is with a backend that
	// is down where all of them are used in panic.
	Up State = iota
	// Drain: it keeps its flows and gets no new ones, also not by affinity. So
	// it is with a backend that an operator drains, whose weight is 0, that was
	// not checked yet, or that is a backup which is not needed.
	Drain
	// Down: a check says so, or an operator. OnDown says what becomes of its
	// flows.
	Down
	// Removed: it is configured no more, and has flows. OnRemoved says what
	// becomes of them.
	Removed
)

func (s State) String() string {
	return [...]string{"up", "drain", "down", "removed"}[s]
}

// Select is how a plane gets from a new flow to a slot of the table.
type Select uint8

const (
	// ByFlow takes the hash of addresses, ports and protocol.
	ByFlow Select = iota
	// BySource takes the hash of the client's address, or a part of it.
	BySource
	// InTurn takes one slot after the other.
	InTurn
	// Least takes the target with the fewest flows for its weight, of all that
	// the table names, each once. See [Lighter].
	Least
	// LeastOfTwo takes the one with the fewer flows for its weight in two slots
	// at random.
	LeastOfTwo
)

// Target is a backend in a plan.
type Target struct {
	// ID is made of the address and port alone, so it is the same on every node
	// and after every restart, and never 0. It is not given to another address
	// of this service; a flow that names an ID which is gone belongs to nobody.
	ID       uint32
	Addr     netip.AddrPort
	Weight   uint32 // as it is now, in hundredths, for Least and LeastOfTwo
	State    State
	MaxFlows uint32
}

// Plan is all that a plane has to know of one service. Nobody changes it once
// it was made.
type Plan struct {
	Service    *Service
	Generation uint64 // grows with every plan of a pool
	Select     Select
	// Targets are the backends as they are configured, by address, and after
	// them those that were removed.
	Targets []Target
	// Table has places in Targets. It is empty where there is nobody: new
	// flows are refused then.
	Table []uint16
	// Seed keys the hash of flows. All nodes of a cluster have the same, and
	// no client knows it: it could aim all its flows at one backend.
	Seed [16]byte
}

// Usage is what a plane has counted for one target, or for a service where the
// target is nobody (new flows that were refused).
type Usage struct {
	Flows                     uint64 // now
	New                       uint64 // since the plane began
	Made                      uint64 // those of them that were established here (0 of proxies)
	PacketsIn, PacketsOut     uint64 // from clients; to clients (0 where backends answer themselves)
	BytesIn, BytesOut         uint64
	Refused, Limited, Dropped uint64 // nobody to serve; over a limit; for any other reason
	// Drops is all of these by reason, in a word or two. Reasons for which there
	// was none are missing.
	Drops map[string]uint64
}

// ErrGone says that a plane is of no more use: another one has to be opened.
var ErrGone = errors.New("it is gone")

// Plane makes plans true. Its methods may be called from any goroutine, one at
// a time.
type Plane interface {
	// Apply makes the plans of all services that the plane has to serve true,
	// and no other. What it cannot do is in the error: where that is all of it
	// NotServed and NotOn, the others are served.
	Apply(plans []*Plan) error
	// Usage gives the counters of a service by target ID.
	Usage(service string) (map[uint32]Usage, error)
	// Close leaves: a plane in the kernel goes on forwarding where keep is
	// true, for the next process to take over.
	Close(keep bool) error
}
