package local

import (
	"net/netip"

	"github.com/holdfast-net/holdfast/internal/check"
)

// Kernel is what links, addresses and routes are read from; internal/linux/look
// implements it, tests with values. Each method answers what a check asks and
// no more, so that it can ask the kernel for as little. They may be called from
// several goroutines.
type Kernel interface {
	// Links are the interfaces that a name or pattern stands for. Their Speed
	// is filled in where the check asks for one.
	Links(check.Link) ([]Link, error)
	// Addresses are the places where an address is.
	Addresses(check.Address) ([]Addr, error)
	// Routes are those to a destination in a table; with Lookup, the one that
	// a packet would take. What the check wants of next hops is not asked yet.
	Routes(check.Route) ([]Route, error)
}

// Link is an interface.
type Link struct {
	Name    string
	Up      bool   // set up by the administrator
	Carrier bool   // and can send
	Why     string // why it has no carrier: "no carrier", "dormant"
	MTU     int
	Speed   int // Mbit/s; 0: not known
}

// Addr is an address on an interface.
type Addr struct {
	Dev       string
	Prefix    netip.Prefix
	Tentative bool // not answered for yet
	Duplicate bool // another node has it (RFC 4862 §5.4)
}

// Route is a route.
type Route struct {
	To     netip.Prefix
	Table  int
	Refuse string // "blackhole", "unreachable", ...; empty: it leads somewhere
	Hops   []Hop  // one, or several of a multipath route
}

// Hop is one way that a route takes.
type Hop struct {
	Via  netip.Addr // not valid: none, the destination is on the link
	Dev  string
	Dead bool // its link is down
}
