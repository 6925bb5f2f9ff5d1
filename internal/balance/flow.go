package balance

import (
	"net/netip"
	"time"
)

// Flow is an established flow of a service, in words that mean the same on
// every node: no number of a slot or a target is in it.
type Flow struct {
	// Listen is the service's address, port and protocol.
	Listen Endpoint
	// Client is who began it.
	Client netip.AddrPort
	// Backend is who has it.
	Backend netip.AddrPort
	// Source is what the backend takes for the client: the client itself with
	// NAT, an address and port of this group with full NAT. It is invalid where
	// the backend's answers do not come through the balancer.
	Source netip.AddrPort
	// Ends is what is known of its end, as the plane notes it.
	Ends uint8
	// Idle is for how long nobody has said anything.
	Idle time.Duration
}

// Change is news of a flow: it is as it says, or it is gone.
type Change struct {
	Flow
	Gone bool
}

// Mirror is a plane whose flows another node's plane can take over. Its methods
// may be called from any goroutine.
type Mirror interface {
	// Watch calls news with what becomes of this plane's own flows, in order and
	// soon (milliseconds), until stop is called. Flows that Install brought are
	// told only when they change here. The slice is the caller's again after the
	// call. lost says that changes were missed before these: Walk tells what is
	// true now.
	Watch(news func(changes []Change, lost bool)) (stop func(), err error)
	// Walk calls some with all established flows, in batches of up to a few
	// thousand, until it returns false.
	Walk(some func(flows []Flow) bool) error
	// Install puts flows there as if they had been established here, and takes
	// away those that are gone. A flow that this plane knows and has seen more
	// recently stays as it is. It says how many could not be put, and why the
	// first of them could not.
	Install(changes []Change) (refused int, err error)
	// Settle says whether all flows are here that any node has of a service which
	// listens there, and no more are told of. Who speaks in the middle of another
	// connection is then told that nobody knows it; before, nothing is said, which
	// is also how it is in the beginning.
	Settle(listen Endpoint, settled bool)
	// Ports says which ports full NAT takes on this node from now on, the last one
	// included.
	Ports(own [2]uint16) error
}
