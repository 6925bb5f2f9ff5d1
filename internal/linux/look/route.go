package look

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/check"
	"github.com/holdfast-net/holdfast/internal/check/local"
	"github.com/holdfast-net/holdfast/internal/linux/rtnl"
)

// Routes implements local.Kernel.
func (l *Look) Routes(k check.Route) ([]local.Route, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	routes, err := l.routes(k)
	if err != nil {
		return nil, fmt.Errorf("cannot look for the route to %s: %w", k.To, err)
	}
	return routes, nil
}

func (l *Look) routes(k check.Route) ([]local.Route, error) {
	name := l.names()
	// The lookup of the destination's first address finds the entry, unless
	// something more specific, or another table, is before it. The default
	// route has no address to look up.
	if k.Lookup || k.To.Bits() > 0 {
		r, ok, err := l.lookup(k, name)
		if err != nil {
			return nil, err
		}
		if k.Lookup || ok && r.To == k.To && r.Table == k.Table && suits(r, k) {
			return one(r, ok), nil
		}
	}
	return l.list(k, name)
}

func one(r local.Route, ok bool) []local.Route {
	if !ok {
		return nil
	}
	return []local.Route{r}
}

// suits tells whether a route is certainly the one that is asked for: with
// others to the same destination (of another metric) the list has to say.
func suits(r local.Route, k check.Route) bool {
	for _, h := range r.Hops {
		if !h.Dead && (!k.Via.IsValid() || h.Via == k.Via.Unmap().WithZone("")) && (k.Dev == "" || h.Dev == k.Dev) {
			return r.Refuse == ""
		}
	}
	return false
}

func family(a netip.Addr) byte {
	if a.Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

// lookup asks for the route that a packet would take, or for the entry of the
// table that says so.
func (l *Look) lookup(k check.Route, name names) (local.Route, bool, error) {
	to := k.To.Addr()
	b := make([]byte, unix.SizeofRtMsg, 64)
	b[0], b[1] = family(to), byte(to.BitLen())
	if !k.Lookup {
		flags := uint32(unix.RTM_F_FIB_MATCH)
		if to.Is4() {
			flags |= unix.RTM_F_LOOKUP_TABLE // IPv6 names the table without
		}
		binary.NativeEndian.PutUint32(b[8:], flags)
	}
	reply, err := l.ask(unix.RTM_GETROUTE, rtnl.AppendAttr(b, unix.RTA_DST, to.AsSlice()))
	if err != nil || reply == nil {
		if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EACCES) {
			err = nil // a route that refuses (blackhole, prohibit) is the list's to show
		}
		return local.Route{}, false, err
	}
	r, ok := parseRoute(reply, name)
	return r, ok, nil
}

// list reads the table.
func (l *Look) list(k check.Route, name names) ([]local.Route, error) {
	b := make([]byte, unix.SizeofRtMsg, 32)
	b[0] = family(k.To.Addr())
	b = rtnl.AppendUint32(b, unix.RTA_TABLE, uint32(k.Table))
	var found [][]byte
	err := l.conn.Dump(unix.RTM_GETROUTE, b, func(body []byte) {
		if to, table, cached, ok := destination(body); ok && !cached && to == k.To && table == k.Table {
			found = append(found, append([]byte(nil), body...))
		}
	})
	if err != nil && !errors.Is(err, unix.ENOENT) { // there is no such table
		return nil, err
	}
	var routes []local.Route
	for _, body := range found {
		if r, ok := parseRoute(body, name); ok {
			routes = append(routes, r)
		}
	}
	return routes, nil
}

// destination reads what tells routes apart (rtnetlink(7), struct rtmsg).
func destination(b []byte) (to netip.Prefix, table int, cached, ok bool) {
	if len(b) < unix.SizeofRtMsg {
		return netip.Prefix{}, 0, false, false
	}
	addr := netip.IPv4Unspecified()
	switch b[0] {
	case unix.AF_INET:
	case unix.AF_INET6:
		addr = netip.IPv6Unspecified()
	default:
		return netip.Prefix{}, 0, false, false
	}
	table = int(b[4])
	rtnl.Attrs(b[unix.SizeofRtMsg:], func(typ uint16, v []byte) {
		switch {
		case typ == unix.RTA_DST:
			if a, ok := netip.AddrFromSlice(v); ok && a.Is4() == addr.Is4() {
				addr = a
			}
		case typ == unix.RTA_TABLE && len(v) == 4:
			table = number(v)
		}
	})
	to = netip.PrefixFrom(addr, int(b[1]))
	return to, table, binary.NativeEndian.Uint32(b[8:])&unix.RTM_F_CLONED != 0, to.IsValid()
}

// refusals are the types of routes that lead nowhere, as ip(8) calls them.
var refusals = map[byte]string{
	unix.RTN_BLACKHOLE: "blackhole", unix.RTN_UNREACHABLE: "unreachable", unix.RTN_PROHIBIT: "prohibit", unix.RTN_THROW: "throw",
}

// parseRoute reads a route message.
func parseRoute(b []byte, name names) (local.Route, bool) {
	to, table, _, ok := destination(b)
	if !ok {
		return local.Route{}, false
	}
	r := local.Route{To: to, Table: table, Refuse: refusals[b[7]]}
	single := local.Hop{Dead: dead(binary.NativeEndian.Uint32(b[8:]))}
	rtnl.Attrs(b[unix.SizeofRtMsg:], func(typ uint16, v []byte) {
		switch {
		case typ == unix.RTA_MULTIPATH:
			r.Hops = append(r.Hops, multipath(v, name)...)
		case typ == unix.RTA_OIF && len(v) == 4:
			single.Dev = name.of(number(v))
		default:
			gateway(typ, v, &single)
		}
	})
	if single.Dev != "" && len(r.Hops) == 0 {
		r.Hops = []local.Hop{single}
	}
	return r, true
}

// gateway reads a next hop; that of an IPv4 route may be IPv6 (RFC 8950).
func gateway(typ uint16, v []byte, h *local.Hop) {
	switch {
	case typ == unix.RTA_GATEWAY:
		h.Via, _ = netip.AddrFromSlice(v)
	case typ == unix.RTA_VIA && len(v) > 2: // struct rtvia: family and address
		h.Via, _ = netip.AddrFromSlice(v[2:])
	}
}

// multipath reads next hops (struct rtnexthop).
func multipath(b []byte, name names) []local.Hop {
	var hops []local.Hop
	for len(b) >= unix.SizeofRtNexthop {
		n := int(binary.NativeEndian.Uint16(b))
		if n < unix.SizeofRtNexthop || n > len(b) {
			break
		}
		h := local.Hop{Dead: dead(uint32(b[2])), Dev: name.of(number(b[4:]))}
		rtnl.Attrs(b[unix.SizeofRtNexthop:n], func(typ uint16, v []byte) { gateway(typ, v, &h) })
		hops = append(hops, h)
		b = b[min((n+3)&^3, len(b)):]
	}
	return hops
}

// dead reads the flags of a next hop: its device is down, or has no carrier
// (where the kernel is not told to pass such routes over by itself).
func dead(flags uint32) bool { return flags&(unix.RTNH_F_DEAD|unix.RTNH_F_LINKDOWN) != 0 }
