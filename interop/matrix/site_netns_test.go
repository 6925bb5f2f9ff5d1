package matrix

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/holdfast-net/holdfast/internal/lab"
	"github.com/holdfast-net/holdfast/internal/linux/netns"
)

// family is the addresses of one. A format is of the addresses in a subnet, by the
// number of the machine.
type family struct {
	name       string
	out, in    string // the switch: clients' subnet, backends' subnet
	hop, far   string // behind edge: the narrow link, the client's
	link, deep string // behind core: the narrow link, the backend's
	bits       int
}

var families = []family{
	{
		name: "IPv4", out: "192.0.2.%d", in: "10.0.0.%d", hop: "10.9.0.%d", far: "198.18.0.%d", link: "10.9.1.%d", deep: "10.0.9.%d", bits: 24,
	},
	{
		name: "IPv6", out: "2001:db8:1::%d", in: "2001:db8:2::%d", hop: "2001:db8:90::%d", far: "2001:db8:18::%d",
		link: "2001:db8:91::%d", deep: "2001:db8:9::%d", bits: 64,
	},
}

// The numbers of machines.
const (
	floating = 10  // what moves with the group
	first    = 11  // of the backends
	client   = 101 // the first of its addresses
	router   = 200
)

const (
	clients = 16 // addresses
	// The MTU of the links that nobody knows of but the routers at their ends.
	narrow     = 1300
	narrowDeep = 1400
)

func (f family) at(format string, n int) netip.Addr {
	return netip.MustParseAddr(fmt.Sprintf(format, n))
}

func (f family) with(format string, n int) netip.Prefix {
	return netip.PrefixFrom(f.at(format, n), f.bits)
}

func (f family) vip() netip.Addr   { return f.at(f.out, floating) }
func (f family) inner() netip.Addr { return f.at(f.in, floating) }

// other is the family that this one is carried over where families are crossed.
func (f family) other() family {
	if f.name == families[0].name {
		return families[1]
	}
	return families[0]
}

// site is the machines of a way to forward.
type site struct {
	testing.TB
	mode      mode
	dir       string
	lan       *lab.LAN
	client    *netns.NS
	far       *netns.NS
	balancers [2]*lab.Host
	backends  []*backend
	pair
}

func (s *site) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// newSite makes the machines, and what serves on the backends.
func newSite(t testing.TB, m mode) *site {
	t.Helper()
	s := &site{TB: t, mode: m, dir: t.TempDir()}
	var err error
	s.lan, err = lab.New()
	s.must(err)
	t.Cleanup(func() {
		if err := s.lan.Close(); err != nil {
			t.Error(err)
		}
	})
	var from []netip.Prefix
	for _, f := range families {
		for i := range clients {
			from = append(from, f.with(f.out, client+i))
		}
	}
	s.client = s.add("client", from...).NS()
	for i := range s.balancers {
		s.balancers[i] = s.add(fmt.Sprintf("lb%d", i+1), s.both(i+1)...)
	}
	var out, in []netip.Prefix
	for _, f := range families {
		out, in = append(out, f.with(f.out, router)), append(in, f.with(f.in, router))
	}
	edge := s.add("edge", out...).NS()
	s.far = s.behind(edge, narrow, func(f family) (link, end string) { return f.hop, f.far }, client)
	core := s.add("core", in...).NS()
	deep := s.behind(core, narrowDeep, func(f family) (link, end string) { return f.link, f.deep }, first+2)
	for i := range 2 {
		s.backends = append(s.backends, &backend{name: fmt.Sprintf("b%d", i+1), ns: s.add(fmt.Sprintf("b%d", i+1), s.inside(i)...).NS()})
	}
	if m.forward == "dsr" { // is for one segment
		deep = s.add("b3", s.inside(2)...).NS()
	}
	s.backends = append(s.backends, &backend{name: "b3", ns: deep, routed: m.forward != "dsr"})
	s.routes(edge, core)
	for i, b := range s.backends {
		s.begin(b, i)
	}
	for _, ns := range []*netns.NS{s.client, s.far, edge, core, s.backends[0].ns, s.backends[1].ns, s.backends[2].ns} {
		// An error of ICMP is what is waited for, and not a flood of them.
		s.set(ns, "ipv4/icmp_ratelimit=0", "ipv6/icmp/ratelimit=0")
	}
	return s
}

// inside is the addresses of a backend on the switch.
func (s *site) inside(i int) (all []netip.Prefix) {
	for _, f := range families {
		all = append(all, f.with(f.in, first+i))
	}
	return all
}

// both is the addresses of a balancer.
func (s *site) both(n int) (all []netip.Prefix) {
	for _, f := range families {
		all = append(all, f.with(f.out, n), f.with(f.in, n))
	}
	return all
}

func (s *site) add(name string, addresses ...netip.Prefix) *lab.Host {
	s.Helper()
	h, err := s.lan.Add(lab.HostConfig{Name: name, Addresses: addresses})
	s.must(err)
	return h
}

// behind puts a machine of that number behind two routers, the first of which is
// given, with a narrow link between them.
func (s *site) behind(near *netns.NS, mtu int, nets func(family) (link, end string), number int) *netns.NS {
	s.Helper()
	second, end := s.namespace(), s.namespace()
	for _, ns := range []*netns.NS{near, second} {
		s.set(ns, "ipv4/ip_forward=1", "ipv6/conf/all/forwarding=1")
	}
	s.cable(near, second, "narrow", "narrow", mtu)
	s.cable(second, end, "wide", lab.Interface, 1500)
	for _, f := range families {
		l, e := nets(f)
		s.ip(near, fmt.Sprintf("addr add %s dev narrow", f.with(l, 1)), fmt.Sprintf("route add %s via %s", f.with(e, 0).Masked(), f.at(l, 2)))
		s.ip(second, fmt.Sprintf("addr add %s dev narrow", f.with(l, 2)), fmt.Sprintf("addr add %s dev wide", f.with(e, 1)),
			fmt.Sprintf("route add default via %s", f.at(l, 1)))
		s.ip(end, fmt.Sprintf("addr add %s dev eth0", f.with(e, number)), fmt.Sprintf("route add default via %s", f.at(e, 1)))
	}
	return end
}

// routes has everybody find everybody whom it may know of.
func (s *site) routes(edge, core *netns.NS) {
	s.Helper()
	for _, f := range families {
		for _, b := range s.balancers {
			s.ip(b.NS(), fmt.Sprintf("route add %s via %s", f.with(f.far, 0).Masked(), f.at(f.out, router)),
				fmt.Sprintf("route add %s via %s", f.with(f.deep, 0).Masked(), f.at(f.in, router)),
				fmt.Sprintf("route add %s via %s", f.with(f.link, 0).Masked(), f.at(f.in, router)))
		}
		s.ip(s.client, fmt.Sprintf("route add %s via %s", f.with(f.far, 0).Masked(), f.at(f.out, router)))
		inside := []*netns.NS{core}
		for _, b := range s.backends {
			if !b.routed {
				inside = append(inside, b.ns)
			}
		}
		for _, ns := range inside {
			switch {
			case s.mode.forward == "nat":
				s.ip(ns, fmt.Sprintf("route add default via %s", f.inner()))
			case s.mode.direct():
				s.ip(ns, fmt.Sprintf("route add %s dev eth0", f.with(f.out, 0).Masked()),
					fmt.Sprintf("route add %s via %s", f.with(f.far, 0).Masked(), f.at(f.out, router)))
			}
		}
	}
}

func (s *site) namespace() *netns.NS {
	s.Helper()
	ns, err := netns.New()
	s.must(err)
	s.Cleanup(func() { ns.Close() })
	s.set(ns, "ipv6/conf/default/accept_dad=0", "ipv6/conf/default/accept_ra=0")
	s.ip(ns, "link set lo up")
	return ns
}

func (s *site) cable(a, b *netns.NS, left, right string, mtu int) {
	s.Helper()
	s.ip(a, fmt.Sprintf("link add %s mtu %d type veth peer name %s mtu %d netns /proc/%d/fd/%d", left, mtu, right, mtu, os.Getpid(), b.Handle()),
		fmt.Sprintf("link set %s up", left))
	s.ip(b, fmt.Sprintf("link set %s up", right))
}

// ip runs lines of ip(8) in a namespace.
func (s *site) ip(ns *netns.NS, lines ...string) string {
	s.Helper()
	cmd := exec.Command("ip", "-batch", "-")
	cmd.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
	out := &strings.Builder{}
	cmd.Stdout, cmd.Stderr = out, out
	if err := ns.Run(cmd); err != nil {
		s.Fatalf("ip %s: %v\n%s", strings.Join(lines, "; "), err, out)
	}
	return out.String()
}

// forget has a machine forget how narrow the ways are that it knows.
func (s *site) forget(ns *netns.NS, f family) {
	s.Helper()
	flag := "-4"
	if f.vip().Is6() {
		flag = "-6"
	}
	s.must(ns.Run(exec.Command("ip", flag, "route", "flush", "cache")))
}

// set sets settings below /proc/sys/net.
func (s *site) set(ns *netns.NS, settings ...string) {
	s.Helper()
	s.must(ns.Do(func() error {
		var errs []error
		for _, setting := range settings {
			key, value, _ := strings.Cut(setting, "=")
			errs = append(errs, os.WriteFile("/proc/sys/net/"+key, []byte(value), 0))
		}
		return errors.Join(errs...)
	}))
}
