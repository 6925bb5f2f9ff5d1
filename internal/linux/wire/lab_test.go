package wire

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/linux/netns"
)

// The lab: node a and node b, two machines on one wire. Each has the interface
// eth0 with known addresses and MAC.
var (
	a4, b4 = netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	a6, b6 = netip.MustParseAddr("fe80::a"), netip.MustParseAddr("fe80::b")

	a41, b41 = netip.MustParseAddr("198.51.100.1"), netip.MustParseAddr("198.51.100.2") // on eth1

	aMAC = [6]byte{0x02, 0, 0, 0, 0, 0x0a}
	bMAC = [6]byte{0x02, 0, 0, 0, 0, 0x0b}
	vMAC = [6]byte{0x00, 0x00, 0x5e, 0x00, 0x01, 0x33}
)

// node is one machine.
type node struct {
	t    testing.TB
	ns   *netns.NS
	nl   *netlink.Handle
	wire *Wire
	port engine.Port
	in   [batch]engine.Datagram
}

func newNode(t testing.TB) *node {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: makes network namespaces")
	}
	ns, err := netns.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ns.Close() })
	n := &node{t: t, ns: ns}
	n.do(func() (err error) {
		if n.nl, err = netlink.NewHandle(); err != nil {
			return err
		}
		return os.WriteFile("/proc/sys/net/ipv6/conf/default/accept_dad", []byte("0"), 0o644)
	})
	t.Cleanup(n.nl.Close)
	n.wire, err = New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.wire.Shutdown(); err != nil {
			t.Error(err)
		}
	})
	return n
}

func (n *node) do(f func() error) {
	n.t.Helper()
	if err := n.ns.Do(f); err != nil {
		n.t.Fatal(err)
	}
}

// open opens an interface.
func (n *node) open(ifname string) engine.Port {
	n.t.Helper()
	var p engine.Port
	n.do(func() (err error) {
		p, err = n.wire.Open(ifname)
		return err
	})
	return p
}

// connect makes the interface name on both nodes, joined by a wire.
func connect(t testing.TB, a, b *node, name string) {
	t.Helper()
	attrs := netlink.NewLinkAttrs()
	attrs.Name = name
	attrs.HardwareAddr = net.HardwareAddr(aMAC[:])
	attrs.TxQLen = 1000
	must(t, a.nl.LinkAdd(&netlink.Veth{
		LinkAttrs: attrs, PeerName: name, PeerHardwareAddr: net.HardwareAddr(bMAC[:]),
		PeerNamespace: netlink.NsFd(b.ns.Handle()),
	}))
	a.up(name, a4, a6)
	b.up(name, b4, b6)
	a.ready(name)
	b.ready(name)
}

func (n *node) up(name string, addrs ...netip.Addr) {
	n.t.Helper()
	link := n.link(name)
	for _, a := range addrs {
		bits := 24
		if a.Is6() {
			bits = 64
		}
		must(n.t, n.nl.AddrAdd(link, &netlink.Addr{
			IPNet: &net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(bits, a.BitLen())},
			Flags: unix.IFA_F_NODAD,
		}))
	}
	must(n.t, n.nl.LinkSetUp(link))
}

// ready waits until the kernel noticed the carrier: before that it has no
// route for IPv6 multicast.
func (n *node) ready(name string) {
	n.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if n.link(name).Attrs().OperState == netlink.OperUp {
			return
		}
	}
	n.t.Fatalf("%s does not come up", name)
}

func (n *node) link(name string) netlink.Link {
	n.t.Helper()
	link, err := n.nl.LinkByName(name)
	if err != nil {
		n.t.Fatalf("%s: %v", name, err)
	}
	return link
}

// pair is the usual lab: two nodes with eth0 open.
func pair(t testing.TB) (a, b *node) {
	t.Helper()
	a, b = newNode(t), newNode(t)
	connect(t, a, b, "eth0")
	a.port, b.port = a.open("eth0"), b.open("eth0")
	return a, b
}

// hear waits for one packet that fits.
func (n *node) hear(what string, fits func(engine.Datagram) bool) engine.Datagram {
	n.t.Helper()
	d, ok := n.listen(20*time.Second, fits)
	if !ok {
		n.t.Fatalf("did not hear %s", what)
	}
	return d
}

// listen waits until a packet fits or the time is over. The copy's data is
// its own.
func (n *node) listen(within time.Duration, fits func(engine.Datagram) bool) (engine.Datagram, bool) {
	n.t.Helper()
	until := time.Now().Add(within)
	for time.Now().Before(until) {
		got, _, err := n.wire.Wait(until, n.in[:])
		if err != nil {
			n.t.Fatal(err)
		}
		for _, d := range n.in[:got] {
			if fits(d) {
				d.Data = append([]byte(nil), d.Data...)
				return d, true
			}
		}
	}
	return engine.Datagram{}, false
}

func (n *node) send(out ...engine.Outgoing) {
	n.t.Helper()
	n.wire.Send(out)
	for _, o := range out {
		if o.Err != nil {
			n.t.Fatalf("%v -> %v: %v", o.Src, o.Dst, o.Err)
		}
	}
}

// sniffer opens a socket that sees every frame arriving on eth0.
func (n *node) sniffer() int {
	n.t.Helper()
	fd := -1
	link := n.link("eth0")
	n.do(func() (err error) {
		all := int(bigEndian(unix.ETH_P_ALL))
		fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, all)
		if err != nil {
			return err
		}
		tv := unix.Timeval{Sec: 20}
		return errors.Join(
			unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: link.Attrs().Index, Protocol: bigEndian(unix.ETH_P_ALL)}),
			unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv))
	})
	n.t.Cleanup(func() { unix.Close(fd) })
	return fd
}

// frame reads frames until one fits.
func (n *node) frame(sniffer int, what string, fits func([]byte) bool) []byte {
	n.t.Helper()
	b := make([]byte, 2048)
	for {
		got, _, err := unix.Recvfrom(sniffer, b, 0)
		if err != nil {
			n.t.Fatalf("no frame with %s: %v", what, err)
		}
		if fits(b[:got]) {
			return b[:got]
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
