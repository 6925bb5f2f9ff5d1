package route

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/config"
)

// Protocol marks routes and rules (rtm_protocol, FRA_PROTOCOL): the IP protocol
// number of VRRP, which no routing daemon uses.
const Protocol = 112

// Kernel is that of the network namespace of the calling thread.
type Kernel struct{}

// Put makes a step's object. It may be there already.
func (Kernel) Put(s config.Step) error {
	err := put(s)
	if err != nil {
		return fmt.Errorf("cannot put %s: %w", s.Name(), err)
	}
	return nil
}

// Remove takes it out. It may be gone already.
func (Kernel) Remove(s config.Step) error {
	err := remove(s)
	if err != nil {
		return fmt.Errorf("cannot remove %s: %w", s.Name(), err)
	}
	return nil
}

func put(s config.Step) error {
	switch {
	case s.Address != nil:
		return putAddress(s.Address)
	case s.Route != nil:
		return putRoute(s.Route)
	case s.Rule != nil:
		return putRule(s.Rule)
	}
	return set(s.Sysctl.Name, s.Sysctl.Value)
}

func remove(s config.Step) error {
	switch {
	case s.Address != nil:
		return removeAddress(s.Address)
	case s.Route != nil:
		return removeRoute(s.Route)
	case s.Rule != nil:
		return removeRule(s.Rule)
	case s.Sysctl.Undo == "":
		return nil
	}
	return set(s.Sysctl.Name, s.Sysctl.Undo)
}

// index is the number of an interface; 0 for none.
func index(name string) (int, error) {
	if name == "" {
		return 0, nil
	}
	i, err := net.InterfaceByName(name)
	if err != nil {
		return 0, fmt.Errorf("there is no interface %s", name)
	}
	return i.Index, nil
}

func prefix(p netip.Prefix) *net.IPNet {
	if !p.IsValid() {
		return nil
	}
	p = p.Masked()
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

func ip(a netip.Addr) net.IP {
	if !a.IsValid() {
		return nil
	}
	return a.AsSlice()
}

func made(r *config.StepRoute, link int) *netlink.Route {
	out := &netlink.Route{
		Dst: prefix(r.To), Gw: ip(r.Via), LinkIndex: link, Src: ip(r.Source),
		Table: r.Table, Priority: r.Metric, Protocol: Protocol,
	}
	if out.Table == 0 {
		out.Table = unix.RT_TABLE_MAIN
	}
	if !r.Via.IsValid() && r.To.Addr().Is4() {
		out.Scope = netlink.SCOPE_LINK
	}
	return out
}

func putRoute(r *config.StepRoute) error {
	link, err := index(r.Interface)
	if err != nil {
		return err
	}
	want := made(r, link)
	err = netlink.RouteAdd(want)
	if !errors.Is(err, unix.EEXIST) {
		return err
	}
	// One route for a destination, table and metric: is it ours?
	there, err := netlink.RouteListFiltered(family(r.To.Addr()), &netlink.Route{Dst: want.Dst, Table: want.Table, Protocol: Protocol},
		netlink.RT_FILTER_DST|netlink.RT_FILTER_TABLE|netlink.RT_FILTER_PROTOCOL)
	if err != nil {
		return err
	}
	for _, t := range there {
		if t.Priority == want.Priority || want.Priority == 0 {
			return netlink.RouteReplace(want) // left by an earlier run, perhaps another way
		}
	}
	return errors.New("there is such a route already, and holdfast did not add it")
}

func removeRoute(r *config.StepRoute) error {
	link, err := index(r.Interface)
	if err != nil {
		return nil // its routes went with it
	}
	err = netlink.RouteDel(made(r, link))
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	return err
}

func ruleMade(r *config.StepRule) *netlink.Rule {
	out := netlink.NewRule()
	out.Family = unix.AF_INET
	for _, p := range []netip.Prefix{r.From, r.To} {
		if p.IsValid() {
			out.Family = family(p.Addr())
		}
	}
	out.Src, out.Dst = prefix(r.From), prefix(r.To)
	out.IifName, out.Mark, out.Table, out.Protocol = r.Interface, r.Mark, r.Table, Protocol
	// Without a priority the kernel would choose one, and take two rules that
	// are the same.
	out.Priority = r.Priority
	return out
}

func putRule(r *config.StepRule) error {
	err := netlink.RuleAdd(ruleMade(r))
	if errors.Is(err, unix.EEXIST) {
		return nil // the kernel compares the protocol too: it is ours
	}
	return err
}

func removeRule(r *config.StepRule) error {
	err := netlink.RuleDel(ruleMade(r))
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	return err
}

func family(a netip.Addr) int {
	if a.Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}
