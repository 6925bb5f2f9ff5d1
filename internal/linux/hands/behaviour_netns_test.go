package hands

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/linux/macvlan"
	"github.com/holdfast-net/holdfast/vrrp"
)

// TestWhoAsks makes the node itself send from the address to neighbours that
// it does not know, so that it has to ask for them. The question must not say
// that the address is at the physical MAC when a virtual one holds it, and
// must not come from the address at all while it may not be announced.
func TestWhoAsks(t *testing.T) {
	for _, c := range []struct {
		name      string
		mac       engine.MACMode
		addr, dst string
	}{
		{"virtual IPv4", engine.MACVirtual, "192.0.2.10/24", "192.0.2.77"},
		{"virtual IPv4 in a subnet of its own", engine.MACVirtual, "198.18.0.10/24", "198.18.0.77"},
		{"virtual IPv4 host prefix", engine.MACVirtual, "192.0.2.10/32", "192.0.2.77"},
		{"virtual IPv6", engine.MACVirtual, "2001:db8::10/64", "2001:db8::77"},
		{"virtual IPv6 in a subnet of its own", engine.MACVirtual, "2001:db8:1::10/64", "2001:db8:1::77"},
		{"physical IPv4", engine.MACPhysical, "192.0.2.10/24", "192.0.2.77"},
		{"physical IPv4 in a subnet of its own", engine.MACPhysical, "198.18.0.10/24", "198.18.0.77"},
		{"physical IPv6", engine.MACPhysical, "2001:db8::10/64", "2001:db8::77"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, r := newLAN(t), newRig(t)
			op := order(c.mac, c.addr)
			mac := l.nodeMAC().String()
			if c.mac == engine.MACVirtual {
				m := macvlan.MAC(op.Family, op.VRID)
				mac = net.HardwareAddr(m[:]).String()
			}
			r.ok(op, engine.OpPrepare)
			r.ok(op, engine.OpInstall)
			vip, dst := op.Addresses[0].Addr(), netip.MustParseAddr(c.dst)
			ask := func(dst netip.Addr) []claim {
				t.Helper()
				l.clear()
				sendFrom(t, vip, dst)
				l.settle()
				return l.claims(vip)
			}
			asked := ask(dst)
			for _, claim := range asked {
				if claim.mac != mac || claim.from != mac {
					t.Errorf("installed: %s, want nothing from another MAC than %s", claim, mac)
				}
			}
			if len(asked) == 0 && !l.askedFor(dst) {
				t.Errorf("nobody asked for %s: the test shows nothing", dst)
			}
			r.hold(silent)
			for _, claim := range ask(dst.Next()) {
				t.Errorf("silent: %s", claim)
			}
		})
	}
}

// sendFrom sends a datagram from one of our addresses.
func sendFrom(t *testing.T, src, dst netip.Addr) {
	t.Helper()
	c, err := net.DialUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(src, 0)), net.UDPAddrFromAddrPort(netip.AddrPortFrom(dst, 9)))
	must(t, err)
	defer c.Close()
	if _, err := c.Write([]byte("x")); err != nil && !errors.Is(err, unix.EPERM) {
		t.Fatal(err)
	}
}

// askedFor says whether a question for the address was seen.
func (l *lan) askedFor(a netip.Addr) bool {
	for _, f := range l.seen() {
		if len(f) < 42 {
			continue
		}
		arp := binary.BigEndian.Uint16(f[12:]) == unix.ETH_P_ARP && f[21] == 1 && bytes.Equal(f[38:42], a.AsSlice())
		ns := len(f) >= 78 && binary.BigEndian.Uint16(f[12:]) == unix.ETH_P_IPV6 && f[54] == 135 && bytes.Equal(f[62:78], a.AsSlice())
		if arp || ns {
			return true
		}
	}
	return false
}

// TestActiveHearsTheOtherActive sends an advert that has our virtual MAC as
// its source, as another active node's has, while ours is up.
func TestActiveHearsTheOtherActive(t *testing.T) {
	for _, c := range []struct {
		addr, group string
		dst         net.HardwareAddr
	}{
		{"192.0.2.10/24", "224.0.0.18", net.HardwareAddr{1, 0, 0x5e, 0, 0, 0x12}},
		{"2001:db8::10/64", "ff02::12", net.HardwareAddr{0x33, 0x33, 0, 0, 0, 0x12}},
	} {
		t.Run(c.group, func(t *testing.T) {
			l, r := newLAN(t), newRig(t)
			op := order(engine.MACVirtual, c.addr)
			r.ok(op, engine.OpPrepare)
			r.ok(op, engine.OpInstall)
			network := map[vrrp.Family]string{vrrp.IPv4: "ip4:112", vrrp.IPv6: "ip6:112"}[op.Family]
			pc, err := net.ListenPacket(network, "")
			must(t, err)
			defer pc.Close()
			raw, err := pc.(*net.IPConn).SyscallConn()
			must(t, err)
			must(t, raw.Control(func(fd uintptr) {
				must(t, unix.BindToDevice(int(fd), nodeIf))
				if op.Family == vrrp.IPv4 {
					must(t, unix.SetsockoptIPMreqn(int(fd), unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP,
						&unix.IPMreqn{Multiaddr: netip.MustParseAddr(c.group).As4(), Ifindex: int32(index(t, nodeIf))}))
				} else {
					must(t, unix.SetsockoptIPv6Mreq(int(fd), unix.IPPROTO_IPV6, unix.IPV6_JOIN_GROUP,
						&unix.IPv6Mreq{Multiaddr: netip.MustParseAddr(c.group).As16(), Interface: uint32(index(t, nodeIf))}))
				}
			}))
			mac := macvlan.MAC(op.Family, op.VRID)
			group := netip.MustParseAddr(c.group)
			advert := []byte{0x31, op.VRID, 100, 1, 0, 100, 0, 0}
			var frame []byte
			if op.Family == vrrp.IPv4 {
				frame = append(ethernet(c.dst, mac[:], unix.ETH_P_IP), ipv4(netip.MustParseAddr("192.0.2.2"), group, 112, 255, advert)...)
			} else {
				frame = append(ethernet(c.dst, mac[:], unix.ETH_P_IPV6), ipv6(netip.MustParseAddr("fe80::2"), group, 112, advert, 6)...)
			}
			l.send(frame)
			must(t, pc.SetReadDeadline(time.Now().Add(grace)))
			if _, _, err := pc.ReadFrom(make([]byte, 100)); err != nil {
				t.Errorf("an advert from the virtual MAC was not heard on %s while the macvlan is up: %v", nodeIf, err)
			}
		})
	}
}

// TestBackupDropsFramesToTheVirtualMAC sends a ping for the node's own address
// to the virtual MAC.
func TestBackupDropsFramesToTheVirtualMAC(t *testing.T) {
	l, r := newLAN(t), newRig(t)
	op := order(engine.MACVirtual, "192.0.2.10/24")
	mac := macvlan.MAC(op.Family, op.VRID)
	r.ok(op, engine.OpPrepare)
	l.wantServed(node4.Addr(), mac[:], "backup", false)
	r.ok(op, engine.OpInstall)
	l.wantServed(node4.Addr(), mac[:], "active", true)
	r.ok(op, engine.OpRemove)
	l.wait("the node to drop frames to the virtual MAC again", func() bool { return !l.serves(node4.Addr(), mac[:]) })
}

// TestDrop closes the addresses: nothing is served, but ARP and ND answer.
func TestDrop(t *testing.T) {
	for _, addrs := range [][]string{{"192.0.2.10/24"}, {"fe80::10/64", "2001:db8::10/64"}} {
		for _, mode := range []engine.MACMode{engine.MACPhysical, engine.MACVirtual} {
			t.Run(fmt.Sprint(addrs[0], mode), func(t *testing.T) {
				l, r := newLAN(t), newRig(t)
				op := order(mode, addrs...)
				op.Drop = true
				res := r.ok(op, engine.OpPrepare)
				mac := net.HardwareAddr(res.MAC[:])
				check := func(when string, served bool) {
					t.Helper()
					for _, p := range op.Addresses {
						l.expect(p.Addr(), when, mac.String())
						l.wantServed(p.Addr(), mac, when, served)
					}
				}
				r.ok(op, engine.OpInstall)
				check("closed", false)
				l.wantServed(node4.Addr(), l.nodeMAC(), "others closed", true)
				l.wantServed(node6.Addr(), l.nodeMAC(), "others closed", true)
				op.Drop = false
				r.ok(op, engine.OpInstall)
				check("opened", true)
				op.Drop = true
				r.ok(op, engine.OpInstall)
				check("closed again", false)
				r.ok(op, engine.OpRemove)
				r.ok(op, engine.OpInstall)
				check("closed after another install", false)
			})
		}
	}
}

// TestInstallTakesTheWholeList changes the list of addresses while they are on.
func TestInstallTakesTheWholeList(t *testing.T) {
	for _, mode := range []engine.MACMode{engine.MACPhysical, engine.MACVirtual} {
		l, r := newLAN(t), newRig(t)
		op := order(mode, "192.0.2.10/24", "198.18.0.10/24", "198.18.0.11/24")
		res := r.ok(op, engine.OpPrepare)
		mac := net.HardwareAddr(res.MAC[:]).String()
		r.ok(op, engine.OpInstall)
		// The first address of 198.18.0.0/24 has the route of the subnet;
		// the second must inherit it.
		op.Addresses = order(mode, "192.0.2.10/24", "198.18.0.11/24", "192.0.2.12/24").Addresses
		r.ok(op, engine.OpPrepare)
		l.expect(netip.MustParseAddr("198.18.0.10"), "prepared again", mac)
		r.ok(op, engine.OpInstall)
		l.expect(netip.MustParseAddr("198.18.0.10"), "off the list")
		for _, p := range op.Addresses {
			l.expect(p.Addr(), "on the list", mac)
		}
		routes, err := netlink.RouteGet(net.IPv4(198, 18, 0, 77))
		if err != nil || len(routes) != 1 || routes[0].Gw != nil {
			t.Errorf("routes to 198.18.0.77: %v (%v), want a direct one", routes, err)
		}
		r.ok(op, engine.OpRemove)
		if _, err := netlink.RouteGet(net.IPv4(198, 18, 0, 77)); !errors.Is(err, unix.ENETUNREACH) {
			t.Errorf("route to 198.18.0.77 after all left: %v, want none", err)
		}
		r.ok(op, engine.OpDiscard)
		r.close()
		l.tearDown()
	}
}
