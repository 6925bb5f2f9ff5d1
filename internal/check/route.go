package check

import "net/netip"

// Route looks for a route in the kernel's tables.
//
//	route: default                                  # of IPv4
//	route: {to: 10.0.0.0/8, via: 192.0.2.1, dev: eth0, table: 100}
//	route: {to: "::/0"}
type Route struct {
	// To is the destination, exactly as the table has it; 0.0.0.0/0 is the
	// default route of IPv4, ::/0 that of IPv6.
	To netip.Prefix
	// Via is the next hop that it must have; of a route with several, one of
	// them. Not valid: any, or none.
	Via netip.Addr
	// Dev is the interface that it must leave by. Empty: any.
	Dev string
	// Table is the number of the table. Default MainTable; with Lookup 0.
	Table int
	// Lookup asks where a packet to To's address would go: what `ip route get` says,
	// through all rules and tables, instead of a route with exactly this
	// destination. Unreachable and blackhole routes are no routes.
	Lookup bool
}

// MainTable is the number of the table `main`.
const MainTable = 254

// Word is the kind's key in the file.
func (Route) Word() string { return "route" }

// Target is the destination.
func (x Route) Target() string { return x.To.String() }

// Problems says what is wrong. Fields: to, via, dev, table, lookup.
func (x Route) Problems() []Problem {
	var p problems
	p.add(!x.To.IsValid(), "to", "for example to: 10.0.0.0/8, or default", "there is no destination")
	if x.To.IsValid() {
		p.add(x.To != x.To.Masked(), "to", "write "+x.To.Masked().String(), "%s has host bits set", x.To)
		p.add(x.Lookup && x.To.Bits() != x.To.Addr().BitLen(), "to", "write one address", "lookup asks for one address, not for %s", x.To)
		// RFC 8950: a route of IPv4 may have a next hop of IPv6.
		p.add(x.Via.IsValid() && x.To.Addr().Is6() && x.Via.Is4(), "via", "", "an IPv6 route has no IPv4 next hop")
	}
	p.add(x.Dev != "" && !linkName(x.Dev), "dev", "", "%q cannot be the name of an interface", x.Dev)
	p.add(!x.Lookup && (x.Table < 1 || x.Table > 1<<32-1), "table", "", "table %d is not from 1 to 4294967295", x.Table)
	p.add(x.Lookup && x.Table != 0, "table", "remove one of them", "lookup asks all tables in the order of the rules")
	return p
}
