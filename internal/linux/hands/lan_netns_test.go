package hands

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"

	"github.com/vishvananda/netlink"
	vnetns "github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/linux/filter"
	"github.com/holdfast-net/holdfast/internal/linux/netns"
	"github.com/holdfast-net/holdfast/internal/linux/netns/netnstest"
)

// lan is two namespaces beside the one of this process, the node: a switch
// (a bridge) and a client behind it, with raw frames in both directions.
type lan struct {
	t      *testing.T
	client *netns.NS
	clMAC  net.HardwareAddr
	fd     int // AF_PACKET on the client's eth0

	askers, pings int // how many there were

	mu     sync.Mutex
	frames [][]byte // what the client saw, since the last clear
}

const nodeIf = "eth0"

var (
	node4   = netip.MustParsePrefix("192.0.2.1/24")
	node6   = netip.MustParsePrefix("2001:db8::1/64")
	client4 = netip.MustParsePrefix("192.0.2.100/24")
	client6 = netip.MustParsePrefix("2001:db8::100/64")
	clientL = netip.MustParsePrefix("fe80::100/64")
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// newLAN makes the node's eth0 (192.0.2.1, 2001:db8::1) and the client's
// (192.0.2.100, 2001:db8::100, fe80::100), with a bridge between them.
func newLAN(t *testing.T) *lan {
	t.Helper()
	netnstest.Need(t)
	l := &lan{t: t}
	bridge, err := netns.New()
	must(t, err)
	t.Cleanup(func() { bridge.Close() })
	l.client, err = netns.New()
	must(t, err)
	t.Cleanup(func() { l.client.Close() })

	here, err := netlink.NewHandle()
	must(t, err)
	defer here.Close()
	br, err := netlink.NewHandleAt(vnetns.NsHandle(bridge.Handle()))
	must(t, err)
	defer br.Close()
	cl, err := netlink.NewHandleAt(vnetns.NsHandle(l.client.Handle()))
	must(t, err)
	defer cl.Close()

	noDAD := func() error { return os.WriteFile("/proc/sys/net/ipv6/conf/default/accept_dad", []byte("0"), 0o644) }
	must(t, noDAD())
	must(t, l.client.Do(noDAD))

	sw := &netlink.Bridge{LinkAttrs: netlink.NewLinkAttrs()}
	sw.Name = "sw"
	off := false
	sw.MulticastSnooping = &off
	must(t, br.LinkAdd(sw))
	must(t, br.LinkSetUp(sw))
	cable := func(h *netlink.Handle, ns int, port string, addrs ...netip.Prefix) net.HardwareAddr {
		t.Helper()
		must(t, here.LinkAdd(&netlink.Veth{
			LinkAttrs: netlink.LinkAttrs{Name: port, Namespace: netlink.NsFd(bridge.Handle())},
			PeerName:  nodeIf, PeerNamespace: netlink.NsFd(ns),
		}))
		p, err := br.LinkByName(port)
		must(t, err)
		must(t, br.LinkSetMaster(p, sw))
		must(t, br.LinkSetUp(p))
		e, err := h.LinkByName(nodeIf)
		must(t, err)
		must(t, h.LinkSetUp(e))
		for _, a := range addrs {
			must(t, h.AddrAdd(e, &netlink.Addr{IPNet: ipnet(a), Flags: unix.IFA_F_NODAD}))
		}
		return e.Attrs().HardwareAddr
	}
	self, err := vnetns.Get()
	must(t, err)
	defer self.Close()
	cable(here, int(self), "node", node4, node6)
	t.Cleanup(l.tearDown)
	l.clMAC = cable(cl, l.client.Handle(), "client", client4, client6, clientL)
	lo, err := here.LinkByName("lo")
	must(t, err)
	must(t, here.LinkSetUp(lo))

	must(t, l.client.Do(func() error {
		e, err := net.InterfaceByName(nodeIf)
		if err != nil {
			return err
		}
		l.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		tv := unix.Timeval{Usec: 50_000}
		mreq := unix.PacketMreq{Ifindex: int32(e.Index), Type: unix.PACKET_MR_PROMISC}
		if err := errors.Join(
			unix.SetsockoptTimeval(l.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv),
			unix.SetsockoptInt(l.fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1),
			unix.SetsockoptPacketMreq(l.fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &mreq),
		); err != nil {
			return err
		}
		return unix.Bind(l.fd, &unix.SockaddrLinklayer{Protocol: htons(unix.ETH_P_ALL), Ifindex: e.Index})
	}))
	l.listen()
	l.settle()
	return l
}

// tearDown removes the node's interface and our tables: all tests share the
// namespace, and the next one, which may be about what is left, must not find
// what a group that was not discarded left here.
func (l *lan) tearDown() {
	must(l.t, filter.Clear())
	if e, err := netlink.LinkByName(nodeIf); err == nil {
		must(l.t, netlink.LinkDel(e))
	}
}

func htons(v uint16) uint16 { return v<<8 | v>>8 }

func ipnet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

// listen collects what arrives at the client.
func (l *lan) listen() {
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 2048)
		for {
			select {
			case <-stop:
				return
			default:
			}
			n, _, err := unix.Recvfrom(l.fd, buf, 0)
			if err != nil {
				continue // nothing came, or the interface is gone
			}
			l.mu.Lock()
			l.frames = append(l.frames, bytes.Clone(buf[:n]))
			l.mu.Unlock()
		}
	}()
	l.t.Cleanup(func() { close(stop); <-done; unix.Close(l.fd) })
}

func (l *lan) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.frames = nil
}

func (l *lan) seen() [][]byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([][]byte(nil), l.frames...)
}

// send puts a frame on the wire from the client.
func (l *lan) send(frame []byte) {
	l.t.Helper()
	_, err := unix.Write(l.fd, frame)
	must(l.t, err)
}

// nodeMAC is the physical MAC of the node's interface.
func (l *lan) nodeMAC() net.HardwareAddr {
	l.t.Helper()
	e, err := netlink.LinkByName(nodeIf)
	must(l.t, err)
	return e.Attrs().HardwareAddr
}
