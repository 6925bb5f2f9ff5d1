package bpf

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/linux/netns"
	"github.com/holdfast-net/holdfast/internal/linux/netns/netnstest"
)

// lab is a switch with a balancer, which is the namespace of this process, a
// client and backends. Clients are in another subnet than backends, and the
// balancer is the way between them.
type lab struct {
	testing.TB
	dir      string
	sw       *netns.NS // the switch
	client   *netns.NS
	backends []*netns.NS
}

// The addresses of a family.
type family struct {
	name                          string
	vip, balancer, client, source netip.Addr
	subnet, clients               string
	backends                      []netip.Addr
}

var families = []family{
	{
		name: "IPv4", vip: netip.MustParseAddr("203.0.113.10"), balancer: netip.MustParseAddr("192.0.2.1"),
		client: netip.MustParseAddr("198.51.100.7"), source: netip.MustParseAddr("192.0.2.9"),
		subnet: "192.0.2.%d/24", clients: "198.51.100.%d/24",
		backends: []netip.Addr{netip.MustParseAddr("192.0.2.11"), netip.MustParseAddr("192.0.2.12"), netip.MustParseAddr("192.0.2.13")},
	},
	{
		name: "IPv6", vip: netip.MustParseAddr("2001:db8:ff::10"), balancer: netip.MustParseAddr("2001:db8:1::1"),
		client: netip.MustParseAddr("2001:db8:2::7"), source: netip.MustParseAddr("2001:db8:1::9"),
		subnet: "2001:db8:1::%x/64", clients: "2001:db8:2::%x/64",
		backends: []netip.Addr{netip.MustParseAddr("2001:db8:1::11"), netip.MustParseAddr("2001:db8:1::12"), netip.MustParseAddr("2001:db8:1::13")},
	},
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// ip runs ip(8), in a namespace or (nil) in the balancer's.
func (l *lab) ip(ns *netns.NS, format string, args ...any) {
	l.Helper()
	line := fmt.Sprintf(format, args...)
	cmd := exec.Command("ip", strings.Fields(line)...)
	out := &strings.Builder{}
	cmd.Stdout, cmd.Stderr = out, out
	run := cmd.Run
	if ns != nil {
		run = func() error { return ns.Run(cmd) }
	}
	if err := run(); err != nil {
		l.Fatalf("ip %s: %v\n%s", line, err, out)
	}
}

func (l *lab) namespace() *netns.NS {
	l.Helper()
	ns, err := netns.New()
	must(l, err)
	l.Cleanup(func() { ns.Close() })
	must(l, ns.Do(func() error { return sysctl("net.ipv6.conf.default.accept_dad", "0") }))
	l.ip(ns, "link set lo up")
	return ns
}

func sysctl(name, value string) error {
	return os.WriteFile("/proc/sys/"+strings.ReplaceAll(name, ".", "/"), []byte(value), 0o644)
}

// newLab makes all of it, for n backends.
func newLab(t testing.TB, n int) *lab {
	t.Helper()
	netnstest.Need(t)
	l := &lab{TB: t, dir: t.TempDir()}
	must(t, unix.Mount("bpf", l.dir, "bpf", 0, ""))
	t.Cleanup(func() { _ = unix.Unmount(l.dir, unix.MNT_DETACH) })
	for _, s := range []string{"net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"} {
		must(t, sysctl(s, "1"))
	}
	must(t, sysctl("net.ipv6.conf.default.accept_dad", "0"))
	l.ip(nil, "link set lo up")
	sw := l.namespace()
	l.sw = sw
	l.ip(sw, "link add lan type bridge mcast_snooping 0")
	l.ip(sw, "link set lan up")
	plug := func(ns *netns.NS, port string, mac int) {
		l.Helper()
		l.ip(sw, "link add %s type veth peer name eth0 address 02:00:00:00:00:%02x", port, mac)
		if ns == nil {
			l.ip(sw, "link set eth0 netns %d", os.Getpid())
		} else {
			l.ip(sw, "link set eth0 netns /proc/%d/fd/%d", os.Getpid(), ns.Handle())
		}
		l.ip(sw, "link set %s master lan up", port)
		l.ip(ns, "link set eth0 up")
	}
	plug(nil, "balancer", 1)
	t.Cleanup(func() { _ = exec.Command("ip", "link", "del", "eth0").Run() })
	l.client = l.namespace()
	plug(l.client, "client", 7)
	for i := range n {
		b := l.namespace()
		plug(b, fmt.Sprintf("backend%d", i), 0x11+i)
		l.backends = append(l.backends, b)
	}
	for _, f := range families {
		nodad := ""
		if f.vip.Is6() {
			nodad = " nodad"
		}
		l.ip(nil, "addr add "+f.subnet+" dev eth0"+nodad, 1)
		l.ip(nil, "addr add "+f.clients+" dev eth0"+nodad, 1)
		// No packet of this node itself is from an address that floats.
		l.ip(nil, "addr add %s/%d dev eth0"+nodad+" preferred_lft 0", f.source, f.source.BitLen())
		l.ip(nil, "addr add %s dev lo"+nodad, f.vip)
		t.Cleanup(func() { l.ip(nil, "addr del %s/%d dev lo", f.vip, f.vip.BitLen()) })
		l.ip(l.client, "addr add "+f.clients+" dev eth0"+nodad, 7)
		l.ip(l.client, "route add default via %s", strings.Split(fmt.Sprintf(f.clients, 1), "/")[0])
		for i, b := range l.backends {
			l.ip(b, "addr add %s/%s dev eth0"+nodad, f.backends[i], strings.Split(f.subnet, "/")[1])
			l.ip(b, "route add default via %s", f.balancer)
			l.ip(nil, "neigh replace %s lladdr 02:00:00:00:00:%02x dev eth0", f.backends[i], 0x11+i)
		}
		l.ip(nil, "neigh replace %s lladdr 02:00:00:00:00:07 dev eth0", f.client)
	}
	return l
}

// open is a plane that is gone at the end of the test.
func (l *lab) open(c Config) *Plane {
	l.Helper()
	c.Dir = l.dir
	if c.Interfaces == nil {
		c.Interfaces = []string{"eth0"}
	}
	if c.Flows == 0 {
		c.Flows, c.HalfOpen = 4096, 4096
	}
	p, err := Open(c)
	must(l, err)
	l.Cleanup(func() {
		if err := p.Close(false); err != nil {
			l.Error(err)
		}
	})
	return p
}

var timeouts = balance.Timeouts{
	HalfOpen: 30 * time.Second, Established: 2 * time.Hour, Closing: time.Minute, Closed: 10 * time.Second,
	UDP: 30 * time.Second, UDPAssured: 3 * time.Minute,
}

// plan is one of a service on port 80 with backends on port 8080 that get flows
// in turn.
func (f family) plan(n int, change func(*balance.Plan)) *balance.Plan {
	s := &balance.Service{
		Name: "web", Listen: []balance.Endpoint{{AddrPort: netip.AddrPortFrom(f.vip, 80), Proto: balance.TCP}},
		Timeouts: timeouts, Translate: []netip.Addr{f.source},
	}
	p := &balance.Plan{Service: s, Generation: 1, Select: balance.InTurn, Seed: [16]byte{1, 2, 3}}
	for i := range n {
		p.Targets = append(p.Targets, balance.Target{ID: uint32(i + 1), Addr: netip.AddrPortFrom(f.backends[i], 8080), Weight: 1})
		p.Table = append(p.Table, uint16(i))
	}
	if change != nil {
		change(p)
	}
	return p
}

// serve has every backend answer on an address with its number and the client's
// address, and then with as many bytes as it is asked for.
func (l *lab) serve(f family) {
	l.Helper()
	for i, b := range l.backends {
		l.serveAt(b, i, netip.AddrPortFrom(f.backends[i], 8080).String())
	}
}

// serveDirectly has every backend serve the service's own address, and answer
// clients without the balancer.
func (l *lab) serveDirectly(f family) {
	l.Helper()
	for i, b := range l.backends {
		if f.vip.Is6() {
			l.ip(b, "addr add %s dev lo nodad", f.vip)
		} else {
			l.ip(b, "addr add %s dev lo", f.vip)
		}
		l.ip(b, "route add "+f.clients+" dev eth0", 0)
		l.serveAt(b, i, netip.AddrPortFrom(f.vip, 80).String())
	}
}

func (l *lab) serveAt(b *netns.NS, i int, addr string) {
	l.Helper()
	var tcp net.Listener
	var udp net.PacketConn
	must(l, b.Do(func() (err error) {
		if tcp, err = net.Listen("tcp", addr); err != nil {
			return err
		}
		udp, err = net.ListenPacket("udp", addr)
		return err
	}))
	l.Cleanup(func() { tcp.Close(); udp.Close() })
	go func() {
		for {
			c, err := tcp.Accept()
			if err != nil {
				return
			}
			go answer(c, i)
		}
	}()
	go func() {
		buf := make([]byte, 65536)
		for {
			n, from, err := udp.ReadFrom(buf)
			if err != nil {
				return
			}
			_, _ = udp.WriteTo(append([]byte{byte(i)}, buf[:n]...), from)
		}
	}()
}

// answer tells who it is and who asks, and sends back what it gets.
func answer(c net.Conn, i int) {
	defer c.Close()
	from := c.RemoteAddr().(*net.TCPAddr).AddrPort()
	if _, err := fmt.Fprintf(c, "%d %s\n", i, netip.AddrPortFrom(from.Addr().Unmap(), from.Port())); err != nil {
		return
	}
	_, _ = io.Copy(c, c)
}

// visit connects, and says who answered and whom that saw.
func (l *lab) visit(to netip.AddrPort) (c net.Conn, who int, saw netip.AddrPort, err error) {
	return l.visitFrom(netip.AddrPort{}, to)
}

// visitFrom is visit, from an address and port where they are valid.
func (l *lab) visitFrom(from, to netip.AddrPort) (c net.Conn, who int, saw netip.AddrPort, err error) {
	d := net.Dialer{Timeout: 20 * time.Second}
	if from.IsValid() {
		d.LocalAddr = net.TCPAddrFromAddrPort(from)
	}
	err = l.client.Do(func() (err error) {
		c, err = d.Dial("tcp", to.String())
		return err
	})
	if err != nil {
		return nil, 0, saw, err
	}
	must(l, c.SetDeadline(time.Now().Add(60*time.Second)))
	var addr string
	if _, err := fmt.Fscanf(c, "%d %s\n", &who, &addr); err != nil {
		c.Close()
		return nil, 0, saw, err
	}
	saw, err = netip.ParseAddrPort(addr)
	return c, who, saw, err
}

// echo sends so many bytes and reads them again.
func echo(c net.Conn, n int) error {
	go func() {
		chunk := slices.Repeat([]byte("holdfast"), 8192)
		for left := n; left > 0; left -= len(chunk) {
			if _, err := c.Write(chunk[:min(left, len(chunk))]); err != nil {
				return
			}
		}
	}()
	got, err := io.CopyN(io.Discard, c, int64(n))
	if err != nil {
		return fmt.Errorf("%d of %d bytes came back: %w", got, n, err)
	}
	return nil
}
