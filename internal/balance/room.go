package balance

import "net/netip"

// Room is how full a plane is, as it last counted.
type Room struct {
	// Hook is where in the kernel the plane sees packets ("tcx", "clsact");
	// empty for one that is a process.
	Hook   string
	Hooks  []Hooked
	Tables []Table
	Ports  []Ports
}

// Hooked is which hook is in use on an interface ("tc", "xdp"), and why it is that
// one.
type Hooked struct{ Interface, Hook, Why string }

// Table is memory of a plane that is bounded.
type Table struct {
	Name       string
	Used, Size uint64
	// Gives says that the oldest make room where it is full: then it may be full
	// for long without harm.
	Gives bool
	// Full is what becomes of new flows when it is full; empty: they are refused.
	Full string
}

// Ports is how many ports of an address full NAT uses towards one backend: two
// backends may see the same port.
type Ports struct {
	Service    string
	Address    netip.Addr
	Backend    netip.AddrPort
	Used, Size uint64
}

// Roomer is a plane that says how full it is.
type Roomer interface {
	Room() (Room, error)
}
