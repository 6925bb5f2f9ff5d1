package balance

import (
	"net/netip"
	"time"
)

// Sight is what a plane knows of one flow at an instant, and what it would look
// at besides the plan where the flow were a new one.
type Sight struct {
	// Flow is the flow that there is; its client is invalid where there is none.
	Flow
	// Established is false while it is half open: the client has not shown yet
	// that it hears the service.
	Established bool
	// Lasts is after how long without a packet it is forgotten, as it is now.
	Lasts time.Duration
	// Gone says that its backend is the service's no more.
	Gone bool

	// Bond is the backend that affinity has for this client; it is invalid where
	// there is none. Bound is for how long yet.
	Bond  netip.AddrPort
	Bound time.Duration

	// Flows is how many flows each target has, by ID; 0 is the service.
	Flows map[uint32]uint64
	// Turn and Random are those of a [Question].
	Turn   uint32
	Random [2]uint32
	// Chance says that nobody can know Turn and Random before: threads have
	// turns of their own, or dice are thrown.
	Chance bool
}

// Finder is a plane that can be asked about one flow.
type Finder interface {
	// Find tells of the flow of a client to an address of a service.
	Find(service string, at Endpoint, client netip.AddrPort) (Sight, error)
}
