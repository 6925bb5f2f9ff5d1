package bpf

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/linux/netns"
)

// narrow is the MTU of a link that nobody knows of but the routers at its ends.
const narrow = 1300

// behind puts a machine behind two routers, the first of which is a machine of
// the lab that has address via, and between which there is a narrow link. It
// gives the machine, whose links are as wide as all others, and its addresses.
func (l *lab) behind(first *netns.NS, n int, via map[string]netip.Addr) (*netns.NS, map[string]netip.Addr) {
	l.Helper()
	second, far := l.namespace(), l.namespace()
	for _, ns := range []*netns.NS{first, second} {
		must(l, ns.Do(func() error {
			return errors.Join(sysctl("net.ipv4.ip_forward", "1"), sysctl("net.ipv6.conf.all.forwarding", "1"))
		}))
	}
	link := func(mtu int, a, b *netns.NS, left, right string) {
		l.Helper()
		l.ip(a, "link add %s mtu %d type veth peer name %s mtu %d netns /proc/%d/fd/%d", left, mtu, right, mtu, os.Getpid(), b.Handle())
		l.ip(a, "link set %s up", left)
		l.ip(b, "link set %s up", right)
	}
	link(narrow, first, second, "narrow", "narrow")
	link(1500, second, far, "wide", "eth0")
	addrs := map[string]netip.Addr{}
	for _, f := range families {
		between, end, nodad := fmt.Sprintf("10.9.%d.%%d", n), fmt.Sprintf("198.18.%d.%%d", n), ""
		bits := 24
		if f.vip.Is6() {
			between, end, nodad, bits = fmt.Sprintf("2001:db8:90%d::%%d", n), fmt.Sprintf("2001:db8:180%d::%%d", n), " nodad", 64
		}
		l.ip(first, "addr add "+between+"/%d dev narrow"+nodad, 1, bits)
		l.ip(second, "addr add "+between+"/%d dev narrow"+nodad, 2, bits)
		l.ip(second, "addr add "+end+"/%d dev wide"+nodad, 1, bits)
		l.ip(far, "addr add "+end+"/%d dev eth0"+nodad, 2, bits)
		l.ip(far, "route add default via "+end, 1)
		l.ip(second, "route add default via "+between, 1)
		a := netip.MustParseAddr(fmt.Sprintf(end, 2))
		net := netip.PrefixFrom(a, bits).Masked()
		l.ip(first, "route add %s via "+between, net, 2)
		l.ip(nil, "route add %s via %s", net, via[f.name])
		addrs[f.name] = a
	}
	return far, addrs
}

// clientBehind moves the client behind two routers, of which the first one is
// where it was, and gives its addresses.
func (l *lab) clientBehind() map[string]netip.Addr {
	l.Helper()
	via := map[string]netip.Addr{}
	for _, f := range families {
		via[f.name] = f.client
	}
	far, addrs := l.behind(l.client, 0, via)
	l.client = far
	return addrs
}

// learned checks that a machine was told how narrow the way to an address is.
func (l *lab) learned(ns *netns.NS, to netip.Addr, mtu int) {
	l.Helper()
	cmd := exec.Command("ip", "route", "get", to.String())
	out := &strings.Builder{}
	cmd.Stdout, cmd.Stderr = out, out
	if err := ns.Run(cmd); err != nil || !strings.Contains(out.String(), fmt.Sprint("mtu ", mtu)) {
		l.Errorf("nobody told how narrow the way to %s is (%v): %s", to, err, out)
	}
}

// Nobody tells a client's or a backend's kernel how large packets may be on the
// way but routers in between, by ICMP: both directions of a connection have to
// find out.
func TestNarrowLinkBeforeTheClient(t *testing.T) {
	for _, f := range families {
		for _, way := range []struct {
			name          string
			forward       balance.Forward
			encapsulation balance.Encapsulation
		}{{"nat", balance.NAT, 0}, {"full-nat", balance.FullNAT, 0}, {"dsr", balance.DSR, 0}, {"ipip", balance.Tunnel, balance.IPIP}, {"gue", balance.Tunnel, balance.GUE}} {
			t.Run(f.name+" "+way.name, func(t *testing.T) {
				l := newLab(t, 1)
				addrs := l.clientBehind()
				port := uint16(8080)
				if direct := way.forward == balance.DSR || way.forward == balance.Tunnel; direct {
					port = 80
					l.addVIP(f)
					l.ip(l.backends[0], "route add %s via %s", addrs[f.name], f.client)
					l.serveAt(l.backends[0], 0, netip.AddrPortFrom(f.vip, 80).String())
				} else {
					l.serve(f)
				}
				p := l.open(Config{})
				must(t, p.Apply([]*balance.Plan{f.plan(1, func(p *balance.Plan) {
					p.Service.Forward, p.Service.Encapsulation = way.forward, way.encapsulation
					p.Targets[0].Addr = netip.AddrPortFrom(f.backends[0], port)
				})}))
				if way.forward == balance.Tunnel {
					l.unwrap(f)
				}
				c, _, _, err := l.visit(netip.AddrPortFrom(f.vip, 80))
				must(t, err)
				defer c.Close()
				if err := echo(c, 2<<20); err != nil {
					d, _ := p.Drops("web")
					t.Errorf("%v (dropped: %v)", err, d)
				}
				seen := addrs[f.name] // as whom the backend knows the client
				if way.forward == balance.FullNAT {
					seen = f.source
				}
				l.learned(l.backends[0], seen, narrow)
			})
		}
	}
}

// The backend is behind routers, and the narrow link is there.
func TestNarrowLinkBeforeTheBackend(t *testing.T) {
	for _, f := range families {
		for _, way := range []struct {
			name          string
			forward       balance.Forward
			encapsulation balance.Encapsulation
			over          family
			room          int
		}{
			{"nat", balance.NAT, 0, f, 0},
			{"full-nat", balance.FullNAT, 0, f, 0},
			{"ipip over IPv4", balance.Tunnel, balance.IPIP, families[0], 20},
			{"gue over IPv4", balance.Tunnel, balance.GUE, families[0], 28},
			{"ipip over IPv6", balance.Tunnel, balance.IPIP, families[1], 40},
		} {
			if f.vip.Is6() && narrow-way.room < 1280 {
				continue // no link for IPv6
			}
			t.Run(f.name+" "+way.name, func(t *testing.T) {
				l := newLab(t, 1)
				via := map[string]netip.Addr{}
				for _, f := range families {
					via[f.name] = f.backends[0]
				}
				backend, addrs := l.behind(l.backends[0], 1, via)
				at := netip.AddrPortFrom(addrs[way.over.name], 8080)
				if way.forward == balance.Tunnel {
					at = netip.AddrPortFrom(at.Addr(), 80)
					l.ip(l.backends[0], "route add "+f.clients+" dev eth0", 0)
					l.backends[0] = backend
					l.addAddress(backend, f.vip)
					l.serveAt(backend, 0, netip.AddrPortFrom(f.vip, 80).String())
					l.unwrap(f)
				} else {
					l.serveAt(backend, 0, at.String())
				}
				p := l.open(Config{})
				must(t, p.Apply([]*balance.Plan{f.plan(1, func(p *balance.Plan) {
					p.Service.Forward, p.Service.Encapsulation, p.Targets[0].Addr = way.forward, way.encapsulation, at
				})}))
				c, _, _, err := l.visit(netip.AddrPortFrom(f.vip, 80))
				must(t, err)
				defer c.Close()
				if err := echo(c, 2<<20); err != nil {
					d, _ := p.Drops("web")
					t.Errorf("%v (dropped: %v)", err, d)
				}
				l.learned(l.client, f.vip, narrow-way.room)
			})
		}
	}
}

// A backend where nobody listens says so, and the client hears of it.
func TestPortUnreachableReachesTheClient(t *testing.T) {
	for _, f := range families {
		for _, forward := range []balance.Forward{balance.NAT, balance.FullNAT} {
			t.Run(fmt.Sprint(f.name, " ", forward), func(t *testing.T) {
				l := newLab(t, 1)
				p := l.open(Config{})
				must(t, p.Apply([]*balance.Plan{f.plan(1, func(p *balance.Plan) {
					p.Service.Forward, p.Service.Listen[0].Proto = forward, balance.UDP
				})}))
				var c net.Conn
				must(t, l.client.Do(func() (err error) {
					c, err = net.Dial("udp", netip.AddrPortFrom(f.vip, 80).String())
					return err
				}))
				defer c.Close()
				must(t, c.SetDeadline(time.Now().Add(20*time.Second)))
				_, err := c.Write([]byte("is anybody there?"))
				must(t, err)
				if _, err := c.Read(make([]byte, 1)); !errors.Is(err, unix.ECONNREFUSED) {
					d, _ := p.Drops("web")
					t.Errorf("the client was told %v, want that nobody listens (dropped: %v)", err, d)
				}
			})
		}
	}
}

// Who switches forwarding off for the whole machine, as loading its settings once
// more does, does not mean the services.
func TestForwardsAlthoughTheMachineDoesNot(t *testing.T) {
	f := families[0]
	l := newLab(t, 1)
	l.serve(f)
	p := l.open(Config{Allow: func([]*balance.Plan) error { return sysctl("net.ipv4.conf.lo.forwarding", "1") }})
	must(t, p.Apply([]*balance.Plan{f.plan(1, nil)}))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	t.Cleanup(func() { must(t, sysctl("net.ipv4.ip_forward", "1")) })
	for range 3 {
		must(t, sysctl("net.ipv4.ip_forward", "0"))
		waitFor(t, "forwarding", func() bool {
			b, err := os.ReadFile("/proc/sys/net/ipv4/conf/lo/forwarding")
			return err == nil && b[0] == '1'
		})
		c, _, _, err := l.visit(netip.AddrPortFrom(f.vip, 80))
		must(t, err)
		c.Close()
	}
	cancel()
	must(t, <-done)
}
