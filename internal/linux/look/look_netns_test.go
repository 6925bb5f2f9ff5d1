package look

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/check"
	"github.com/holdfast-net/holdfast/internal/check/local"
	"github.com/holdfast-net/holdfast/internal/linux/netns"
)

// lab is a namespace with eth0 and eth1, two veths whose other ends are far0
// and far1.
type lab struct {
	t    testing.TB
	ns   *netns.NS
	look *Look
}

func newLab(t testing.TB) *lab {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: it makes network namespaces")
	}
	ns, err := netns.New()
	must(t, err)
	t.Cleanup(func() { ns.Close() })
	l := &lab{t: t, ns: ns}
	must(t, ns.Do(func() (err error) {
		l.look, err = New()
		return err
	}))
	t.Cleanup(func() { must(t, l.look.Close()) })
	l.ip("link set lo up")
	for i := range 2 {
		l.ip(fmt.Sprintf("link add eth%d type veth peer name far%d", i, i))
		l.ip(fmt.Sprintf("link set eth%d up", i))
		l.ip(fmt.Sprintf("link set far%d up", i))
	}
	return l
}

func (l *lab) ip(args string) {
	l.t.Helper()
	out, err := l.try(args)
	if err != nil {
		l.t.Fatalf("ip %s: %v: %s", args, err, out)
	}
}

func (l *lab) try(args string) (out []byte, err error) {
	must(l.t, l.ns.Do(func() error {
		out, err = exec.Command("ip", strings.Fields(args)...).CombinedOutput()
		return nil
	}))
	return out, err
}

// sees polls until the check's answer is as wanted: much of what the kernel
// does about links it does a moment later.
func (l *lab) sees(kind check.Kind, ok bool, text string) {
	l.t.Helper()
	p, err := local.New(kind, local.Env{Kernel: l.look})
	must(l.t, err)
	deadline := time.Now().Add(20 * time.Second)
	for {
		seen := p.Try(context.Background())
		if seen.OK == ok && seen.Text == text {
			return
		}
		if time.Now().After(deadline) {
			l.t.Errorf("%+v: %+v, want %t %q", kind, seen, ok, text)
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestLinks(t *testing.T) {
	l := newLab(t)
	link := func(name string) check.Link { return check.Link{Name: name, Min: 1} }
	l.sees(link("eth0"), true, "up, MTU 1500")
	l.sees(check.Link{Name: "eth0", Min: 1, Speed: 1000, MTU: 1500}, true, "up, MTU 1500, 10000 Mbit/s")
	l.sees(check.Link{Name: "eth0", Min: 1, Speed: 100000}, false, "10000 Mbit/s, wanted at least 100000")
	l.sees(check.Link{Name: "lo", Min: 1, Speed: 1}, false, "it does not tell its speed, wanted at least 1 Mbit/s")
	l.sees(check.Link{Name: "eth0", Min: 1, MTU: 9000}, false, "MTU 1500, wanted at least 9000")
	l.sees(link("eth9"), false, "there is no interface eth9")
	l.sees(check.Link{Name: "eth*", Min: 2}, true, "2 of 2 fit")
	l.ip("link set far1 down")
	l.sees(link("eth1"), false, "it is up, but: the interface below it is down, wanted carrier")
	l.sees(check.Link{Name: "eth1", Min: 1, NoCarrier: true}, true, "up without carrier, MTU 1500")
	l.sees(check.Link{Name: "eth[0-9]", Min: 2}, false, "1 of 2 fit (eth1: it is up, but: the interface below it is down, wanted carrier), wanted 2")
	l.sees(check.Link{Name: "eth*", Min: 1}, true, "1 of 2 fit (eth1: it is up, but: the interface below it is down, wanted carrier)")
	l.sees(check.Link{Name: "bond*", Min: 1}, false, "0 of 0 fit, wanted 1")
	l.ip("link add link eth1 name mv1 type macvlan")
	l.ip("link set mv1 up")
	l.sees(link("mv1"), false, "it is up, but: the interface below it is down, wanted carrier")
	l.ip("link set eth0 down")
	l.sees(link("eth0"), false, "it is down, wanted up")
	l.ip("link set eth0 up")
	l.sees(link("eth0"), true, "up, MTU 1500")
	l.ip("link del eth0")
	l.sees(link("eth0"), false, "there is no interface eth0")
}

func TestAddresses(t *testing.T) {
	l := newLab(t)
	four, six := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")
	l.sees(check.Address{Is: four}, false, "it is on no interface, wanted on any")
	l.sees(check.Address{Is: four, Dev: "eth0"}, false, "it is on no interface, wanted on eth0")
	l.ip("addr add 192.0.2.1/24 dev eth0")
	l.ip("addr add 2001:db8::1/64 dev eth1 nodad")
	l.sees(check.Address{Is: four}, true, "192.0.2.1/24 on eth0")
	l.sees(check.Address{Is: four, Dev: "eth1"}, false, "it is on eth0, wanted on eth1")
	l.sees(check.Address{Is: six, Dev: "eth1"}, true, "2001:db8::1/64 on eth1")
	l.ip("addr del 192.0.2.1/24 dev eth0")
	l.sees(check.Address{Is: four}, false, "it is on no interface, wanted on any")
	// The other end has the address already: duplicate address detection.
	l.ip("addr add 2001:db8:9::1/64 dev far0 nodad")
	l.ip("addr add 2001:db8:9::1/64 dev eth0")
	l.sees(check.Address{Is: netip.MustParseAddr("2001:db8:9::1"), Dev: "eth0"}, false, "it is on eth0, but another node has it too (duplicate address detection)")
	l.sees(check.Address{Is: netip.MustParseAddr("2001:db8:9::1")}, true, "2001:db8:9::1/64 on far0")
}

func TestRoutes(t *testing.T) {
	l := newLab(t)
	l.ip("addr add 192.0.2.1/24 dev eth0")
	l.ip("addr add 198.51.100.1/24 dev eth1")
	l.ip("addr add 2001:db8::1/64 dev eth0 nodad")
	route := func(to string) check.Route { return check.Route{To: netip.MustParsePrefix(to), Table: check.MainTable} }
	with := func(to, via, dev string, table int) check.Route {
		r := route(to)
		if via != "" {
			r.Via = netip.MustParseAddr(via)
		}
		r.Dev, r.Table = dev, table
		return r
	}
	l.sees(route("0.0.0.0/0"), false, "there is no route to 0.0.0.0/0")
	l.sees(route("10.0.0.0/8"), false, "there is no route to 10.0.0.0/8")
	l.sees(with("10.0.0.0/8", "", "eth0", 4000), false, "there is no route to 10.0.0.0/8 in table 4000, wanted dev eth0")
	l.sees(route("192.0.2.0/24"), true, "dev eth0")
	l.sees(route("2001:db8::/64"), true, "dev eth0")
	l.sees(route("::/0"), false, "there is no route to ::/0")

	l.ip("route add default via 192.0.2.254")
	l.ip("route add 10.0.0.0/8 via 192.0.2.254")
	l.ip("-6 route add default via 2001:db8::fe")
	l.ip("-6 route add 2001:db8:5::/48 via 2001:db8::fe")
	l.sees(route("0.0.0.0/0"), true, "via 192.0.2.254 dev eth0")
	l.sees(route("10.0.0.0/8"), true, "via 192.0.2.254 dev eth0")
	l.sees(with("10.0.0.0/8", "192.0.2.254", "eth0", check.MainTable), true, "via 192.0.2.254 dev eth0")
	l.sees(with("10.0.0.0/8", "192.0.2.253", "", check.MainTable), false, "the route to 10.0.0.0/8 is via 192.0.2.254 dev eth0, wanted via 192.0.2.253")
	l.sees(route("::/0"), true, "via 2001:db8::fe dev eth0")
	l.sees(with("2001:db8:5::/48", "2001:db8::fe", "eth0", check.MainTable), true, "via 2001:db8::fe dev eth0")

	// Something more specific, and another metric, hide nothing.
	l.ip("route add 10.0.0.0/24 via 198.51.100.254")
	l.sees(route("10.0.0.0/8"), true, "via 192.0.2.254 dev eth0")
	l.ip("route add 10.0.0.0/8 via 198.51.100.254 metric 50")
	l.sees(with("10.0.0.0/8", "", "eth1", check.MainTable), true, "via 198.51.100.254 dev eth1")
	l.sees(with("10.0.0.0/8", "", "eth7", check.MainTable), false, "the route to 10.0.0.0/8 is via 192.0.2.254 dev eth0 and via 198.51.100.254 dev eth1, wanted dev eth7")

	// Other tables.
	l.ip("route add 10.0.0.0/8 via 198.51.100.7 table 4000")
	l.sees(with("10.0.0.0/8", "198.51.100.7", "", 4000), true, "via 198.51.100.7 dev eth1")
	l.sees(with("10.0.0.0/8", "", "", 4001), false, "there is no route to 10.0.0.0/8 in table 4001")
	l.ip("rule add pref 10 lookup 4000")
	l.sees(route("10.0.0.0/8"), true, "via 192.0.2.254 dev eth0") // the rule does not change the main table
	l.sees(check.Route{To: netip.MustParsePrefix("10.9.9.9/32"), Lookup: true}, true, "via 198.51.100.7 dev eth1")
	l.ip("rule del pref 10")
	l.sees(check.Route{To: netip.MustParsePrefix("10.9.9.9/32"), Lookup: true}, true, "via 192.0.2.254 dev eth0")
	l.sees(check.Route{To: netip.MustParsePrefix("2001:db8:77::9/128"), Lookup: true, Dev: "eth0"}, true, "via 2001:db8::fe dev eth0")

	// Refusals, multipath, IPv6 next hops, dead links.
	l.ip("route add blackhole 172.16.0.0/12")
	l.sees(route("172.16.0.0/12"), false, "the route to 172.16.0.0/12 is blackhole")
	l.ip("route add 203.0.113.0/24 nexthop via 192.0.2.8 nexthop via 198.51.100.8")
	l.sees(with("203.0.113.0/24", "198.51.100.8", "", check.MainTable), true, "via 198.51.100.8 dev eth1 (one of 2 ways)")
	l.ip("route add 100.64.0.0/10 via inet6 2001:db8::fe dev eth0")
	l.sees(with("100.64.0.0/10", "2001:db8::fe", "", check.MainTable), true, "via 2001:db8::fe dev eth0")
	l.ip("link set far1 down")
	l.sees(with("203.0.113.0/24", "198.51.100.8", "", check.MainTable), false,
		"the route to 203.0.113.0/24 is via 198.51.100.8 dev eth1 (one of 2 ways), whose link is down, wanted via 198.51.100.8")
	l.sees(route("203.0.113.0/24"), true, "via 192.0.2.8 dev eth0 (one of 2 ways)")
	l.ip("route del default")
	l.sees(route("0.0.0.0/0"), false, "there is no route to 0.0.0.0/0")
	l.sees(check.Route{To: netip.MustParsePrefix("8.8.8.8/32"), Lookup: true}, false, "there is no route to 8.8.8.8/32")
}

// Several goroutines ask at once, and each gets its own answer.
func TestLook_IsSharedByMany(t *testing.T) {
	l := newLab(t)
	l.ip("addr add 192.0.2.1/24 dev eth0")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 200 {
				links, err := l.look.Links(check.Link{Name: "lo"})
				if err != nil || len(links) != 1 || links[0].Name != "lo" {
					t.Errorf("%+v %v", links, err)
				}
				routes, err := l.look.Routes(check.Route{To: netip.MustParsePrefix("192.0.2.0/24"), Table: check.MainTable})
				if err != nil || len(routes) != 1 {
					t.Errorf("%+v %v", routes, err)
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkLook(b *testing.B) {
	l := newLab(b)
	l.ip("addr add 192.0.2.1/24 dev eth0")
	l.ip("route add 10.0.0.0/8 via 192.0.2.254")
	b.Run("link", func(b *testing.B) {
		for b.Loop() {
			_, _ = l.look.Links(check.Link{Name: "eth0"})
		}
	})
	b.Run("address", func(b *testing.B) {
		for b.Loop() {
			_, _ = l.look.Addresses(check.Address{Is: netip.MustParseAddr("192.0.2.1")})
		}
	})
	b.Run("route", func(b *testing.B) {
		for b.Loop() {
			_, _ = l.look.Routes(check.Route{To: netip.MustParsePrefix("10.0.0.0/8"), Table: check.MainTable})
		}
	})
}
