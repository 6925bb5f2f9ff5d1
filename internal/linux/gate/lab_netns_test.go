package gate

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	vnetns "github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/linux/macvlan"
	"github.com/holdfast-net/holdfast/internal/linux/netns"
	"github.com/holdfast-net/holdfast/internal/linux/netns/netnstest"
	"github.com/holdfast-net/holdfast/internal/linux/rtnl"
	"github.com/holdfast-net/holdfast/vrrp"
)

// nodeIf is the interface of the node, which is the namespace of this process.
const nodeIf = "eth0"

const vrid = 51

var (
	vip4    = netip.MustParseAddr("192.0.2.10")
	vip6    = netip.MustParseAddr("2001:db8::10")
	vipLL   = netip.MustParseAddr("fe80::10")
	node4   = netip.MustParseAddr("192.0.2.1")
	node6   = netip.MustParseAddr("2001:db8::1")
	client4 = netip.MustParseAddr("192.0.2.100")
	client6 = netip.MustParseAddr("2001:db8::100")
	other4  = netip.MustParseAddr("192.0.2.77")
	other6  = netip.MustParseAddr("2001:db8::77")

	virtual4, virtual6 = macvlan.MAC(vrrp.IPv4, vrid), macvlan.MAC(vrrp.IPv6, vrid)
	nodeMAC, clientMAC = mac{2, 0, 0, 0, 0, 1}, mac{2, 0, 0, 0, 0, 100}
	foreignMAC         = mac{2, 0, 0, 0, 0, 66}
)

// mode is one of the ways in which a gate can be used.
type mode struct {
	name    string
	line    LineID
	virtual bool
}

var modes = []mode{
	{"tcx physical", TCX, false},
	{"tcx virtual", TCX, true},
	{"clsact physical", Clsact, false},
	{"clsact virtual", Clsact, true},
}

// lab is a node with a gate, and a client on the other end of a cable.
type lab struct {
	testing.TB
	mode
	dir    string
	gate   *Gate
	client *netns.NS
	slot4  engine.Slot
	slot6  engine.Slot
	mac4   mac // that answers for the addresses
	mac6   mac
	here   *wireEnd // the node's end, for what it sends
	there  *wireEnd // the client's
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// newLab makes the cable. Nothing is guarded yet.
func newLab(t testing.TB, m mode) *lab {
	t.Helper()
	netnstest.Need(t)
	l := &lab{TB: t, mode: m, dir: t.TempDir(), mac4: nodeMAC, mac6: nodeMAC}
	if m.virtual {
		l.mac4, l.mac6 = virtual4, virtual6
	}
	var err error
	l.client, err = netns.New()
	must(t, err)
	t.Cleanup(func() { l.client.Close() })
	noDAD := func() error { return os.WriteFile("/proc/sys/net/ipv6/conf/default/accept_dad", []byte("0"), 0o644) }
	must(t, noDAD())
	must(t, l.client.Do(noDAD))
	l.plug()
	t.Cleanup(l.unplug)
	return l
}

// plug makes both ends of the cable.
func (l *lab) plug() {
	l.Helper()
	cl, err := netlink.NewHandleAt(vnetns.NsHandle(l.client.Handle()))
	must(l, err)
	defer cl.Close()
	must(l, netlink.LinkAdd(&netlink.Veth{
		LinkAttrs: netlink.LinkAttrs{Name: nodeIf, HardwareAddr: nodeMAC[:]},
		PeerName:  nodeIf, PeerHardwareAddr: clientMAC[:], PeerNamespace: netlink.NsFd(l.client.Handle()),
	}))
	here, err := netlink.LinkByName(nodeIf)
	must(l, err)
	there, err := cl.LinkByName(nodeIf)
	must(l, err)
	for _, a := range []netip.Addr{node4, node6} {
		must(l, netlink.AddrAdd(here, netlinkAddr(a)))
	}
	for _, a := range []netip.Addr{client4, client6} {
		must(l, cl.AddrAdd(there, netlinkAddr(a)))
	}
	must(l, netlink.LinkSetUp(here))
	must(l, cl.LinkSetUp(there))
	l.here = listen(l, here.Attrs().Index, false)
	must(l, l.client.Do(func() error { l.there = listen(l, there.Attrs().Index, true); return nil }))
}

func (l *lab) unplug() {
	if e, err := netlink.LinkByName(nodeIf); err == nil {
		must(l, netlink.LinkDel(e))
	}
}

func netlinkAddr(a netip.Addr) *netlink.Addr {
	bits := 24
	if a.Is6() {
		bits = 64
	}
	return &netlink.Addr{IPNet: &net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(bits, a.BitLen())}, Flags: unix.IFA_F_NODAD}
}

// open opens the gate.
func (l *lab) open() *Gate {
	l.Helper()
	g, err := Open(Options{Lines: []LineID{l.line}, Dir: l.dir})
	must(l, err)
	l.Cleanup(func() { must(l, l.gate.Close()); l.sweep() })
	l.gate = g
	return g
}

func (l *lab) sweep() {
	_, err := Sweep(l.dir)
	must(l, err)
}

func (l *lab) specs() (four, six Spec) {
	four = Spec{Interface: nodeIf, Family: vrrp.IPv4, VRID: vrid, Addresses: []netip.Addr{vip4}}
	six = Spec{Interface: nodeIf, Family: vrrp.IPv6, VRID: vrid, Addresses: []netip.Addr{vipLL, vip6}}
	if l.virtual {
		four.MAC, six.MAC = l.mac4, l.mac6
	}
	return four, six
}

// guard guards the addresses of both families.
func (l *lab) guard() {
	l.Helper()
	four, six := l.specs()
	var err error
	l.slot4, err = l.gate.Guard(four)
	must(l, err)
	l.slot6, err = l.gate.Guard(six)
	must(l, err)
}

// install puts the addresses on: on the interface or on macvlans.
func (l *lab) install() {
	l.Helper()
	parent, err := netlink.LinkByName(nodeIf)
	must(l, err)
	for _, a := range []netip.Addr{vip4, vip6, vipLL} {
		on := parent
		if l.virtual {
			on = l.macvlan(parent, a)
		}
		must(l, netlink.AddrReplace(on, netlinkAddr(a)))
	}
}

// macvlan gives the macvlan for an address, up.
func (l *lab) macvlan(parent netlink.Link, a netip.Addr) netlink.Link {
	l.Helper()
	family := vrrp.IPv4
	if a.Is6() {
		family = vrrp.IPv6
	}
	if m, err := netlink.LinkByName(macvlan.Name(family, parent.Attrs().Index, vrid)); err == nil {
		return m
	}
	nl, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	must(l, err)
	defer nl.Close()
	conn, err := rtnl.Dial()
	must(l, err)
	defer conn.Close()
	index, notes, err := macvlan.Make(nl, conn, macvlan.Spec{Parent: parent, Family: family, VRID: vrid, Group: "test"})
	must(l, err)
	if len(notes) > 0 {
		l.Log(notes)
	}
	m, err := netlink.LinkByIndex(index)
	must(l, err)
	must(l, netlink.LinkSetUp(m))
	must(l, os.WriteFile("/proc/sys/net/ipv4/conf/"+nodeIf+"/arp_ignore", []byte("1"), 0o644))
	return m
}

// forever is an instant that no test lives to see.
const forever = engine.Instant(1 << 62)

var wideOpen = engine.Hold{Announced: forever, Served: forever, Advertised: forever}

func (l *lab) set(h engine.Hold) {
	l.gate.Set(l.slot4, h)
	l.gate.Set(l.slot6, h)
	if n, ok := l.gate.line.(weakened).line.(*nft); ok {
		eventually(l, "the hold is written", func() bool {
			n.mu.Lock()
			defer n.mu.Unlock()
			return !n.noted[l.slot4].changed.Load() && !n.noted[l.slot6].changed.Load()
		})
	}
}

// wireEnd is a packet socket that collects what arrives and can send.
type wireEnd struct {
	fd int
	mu sync.Mutex
	in []arrival
}

// arrival is a frame and when the kernel took it, by the gate's clock.
type arrival struct {
	frame []byte
	at    engine.Instant
}

func listen(t testing.TB, index int, collect bool) *wireEnd {
	t.Helper()
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	tv := unix.Timeval{Usec: 20_000}
	must(t, errors.Join(
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 8<<20),
		unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1),
		unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &unix.PacketMreq{Ifindex: int32(index), Type: unix.PACKET_MR_PROMISC}),
		unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: 0x0300, Ifindex: index}), // ETH_P_ALL in network order
	))
	w := &wireEnd{fd: fd}
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		if collect {
			w.collect(stop)
		}
	}()
	t.Cleanup(func() { close(stop); <-done; unix.Close(fd) })
	return w
}

func (w *wireEnd) collect(stop chan struct{}) {
	buf, control := make([]byte, 4096), make([]byte, 128)
	for {
		select {
		case <-stop:
			return
		default:
		}
		n, nc, _, _, err := unix.Recvmsg(w.fd, buf, control, 0)
		if err != nil {
			continue // nothing came, or the interface is gone
		}
		a := arrival{frame: bytes.Clone(buf[:n]), at: arrivedAt(control[:nc])}
		w.mu.Lock()
		w.in = append(w.in, a)
		w.mu.Unlock()
	}
}

// arrivedAt turns the kernel's timestamp, which is of the wall clock, into an
// instant.
func arrivedAt(control []byte) engine.Instant {
	var wall unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_REALTIME, &wall)
	diff := int64(now()) - wall.Nano()
	msgs, err := unix.ParseSocketControlMessage(control)
	if err != nil || len(msgs) == 0 || len(msgs[0].Data) < 16 {
		return now()
	}
	d := msgs[0].Data
	le := func(b []byte) (v int64) {
		for i := 7; i >= 0; i-- {
			v = v<<8 | int64(b[i])
		}
		return v
	}
	return engine.Instant(le(d)*1e9 + le(d[8:]) + diff)
}

func (w *wireEnd) seen() []arrival {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]arrival(nil), w.in...)
}

func (w *wireEnd) clear() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.in = nil
}

func (w *wireEnd) has(match func([]byte) bool) bool {
	for _, a := range w.seen() {
		if match(a.frame) {
			return true
		}
	}
	return false
}

// send puts a frame on the wire. A gate that drops it says ENOBUFS.
func (w *wireEnd) send(t testing.TB, frame []byte) {
	t.Helper()
	if _, err := unix.Write(w.fd, frame); err != nil && !errors.Is(err, unix.ENOBUFS) {
		t.Fatal(err)
	}
}

// eventually waits for a condition, longer than any busy machine should take.
func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if cond() {
			return
		}
	}
	t.Fatalf("it never came true: %s", what)
}
