package lab

import (
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

const echoPort = 7

var (
	vip4 = netip.MustParseAddr("192.0.2.10")
	vip6 = netip.MustParseAddr("2001:db8::10")
)

// address4 and address6 are what the tests give host number n.
func address4(n byte) netip.Addr { return netip.AddrFrom4([4]byte{192, 0, 2, n}) }

func address6(n byte) netip.Addr {
	return netip.AddrFrom16([16]byte{0x20, 1, 0x0d, 0xb8, 15: n})
}

func mac(n byte) net.HardwareAddr { return net.HardwareAddr{2, 0, 0, 0, 0, n} }

// newLAN makes hosts a (number 1), b (2) and client (100).
func newLAN(t *testing.T) (lan *LAN, a, b, client *Host) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("making network namespaces needs root")
	}
	lan, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lan.Close(); err != nil {
			t.Error(err)
		}
	})
	add := func(name string, n byte) *Host {
		h, err := lan.Add(HostConfig{
			Name:      name,
			MAC:       mac(n),
			Addresses: []netip.Prefix{netip.PrefixFrom(address4(n), 24), netip.PrefixFrom(address6(n), 64)},
			Echo:      echoPort,
		})
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	return lan, add("a", 1), add("b", 2), add("client", 100)
}

// hold puts an address on a host and announces it, as a new holder does.
func hold(t *testing.T, h *Host, addr netip.Addr) {
	t.Helper()
	changeAddress(t, h, addr, netlink.AddrAdd)
	err := h.Do(func() error {
		eth0, err := netlink.LinkByName(Interface)
		if err != nil || addr.Is6() {
			return err
		}
		return transmit(eth0.Attrs().Index, arpRequest(eth0.Attrs().HardwareAddr, addr, addr))
	})
	if err != nil {
		t.Fatal(err)
	}
}

func release(t *testing.T, h *Host, addr netip.Addr) {
	t.Helper()
	changeAddress(t, h, addr, netlink.AddrDel)
}

func changeAddress(t *testing.T, h *Host, addr netip.Addr, change func(netlink.Link, *netlink.Addr) error) {
	t.Helper()
	err := h.Do(func() error {
		eth0, err := netlink.LinkByName(Interface)
		if err != nil {
			return err
		}
		return change(eth0, &netlink.Addr{
			IPNet: ipNet(netip.PrefixFrom(addr, addr.BitLen())),
			Flags: unix.IFA_F_NODAD,
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// until polls until done holds.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !done(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("gave up waiting for %s", what)
		}
	}
}

func startProber(t *testing.T, from *Host, to netip.Addr) *Prober {
	t.Helper()
	p, err := StartProber(ProbeConfig{From: from, To: netip.AddrPortFrom(to, echoPort), For: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	return p
}

// answers waits until a host has answered more probes after an instant.
func answers(t *testing.T, p *Prober, node string, after time.Time) {
	t.Helper()
	until(t, "an answer from "+node, func() bool { return p.Report(after, time.Now()).By[node] > 20 })
}
