package hands

import (
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	vnetns "github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/linux/address"
	"github.com/holdfast-net/holdfast/internal/linux/macvlan"
	"github.com/holdfast-net/holdfast/internal/linux/netns/netnstest"
	"github.com/holdfast-net/holdfast/internal/linux/rtnl"
)

// holdsStill gives an address to the client too, as to the node that had it
// until now and has not let go of it.
func (l *lan) holdsStill(p netip.Prefix) {
	l.t.Helper()
	nl, err := netlink.NewHandleAt(vnetns.NsHandle(l.client.Handle()))
	must(l.t, err)
	defer nl.Close()
	e, err := nl.LinkByName(nodeIf)
	must(l.t, err)
	must(l.t, nl.AddrAdd(e, &netlink.Addr{IPNet: ipnet(p), Flags: unix.IFA_F_NODAD}))
}

// look finds an address on the interface ifname.
func look(t *testing.T, ifname string, p netip.Prefix) (address.Entry, bool) {
	t.Helper()
	conn, err := rtnl.Dial()
	must(t, err)
	defer conn.Close()
	list, err := address.List(conn, index(t, ifname))
	must(t, err)
	for _, e := range list {
		if e.Prefix == p {
			return e, true
		}
	}
	return address.Entry{}, false
}

// TestNoDuplicateAddressDetection takes IPv6 addresses over from a node that
// has them still, where the kernel is told to look for such nodes. It would
// find one, and never use the address.
func TestNoDuplicateAddressDetection(t *testing.T) {
	netnstest.Need(t)
	for _, ifname := range []string{"all", "default"} {
		before := setting(t, "ipv6", ifname, "accept_dad")
		t.Cleanup(func() { set(t, "ipv6", ifname, "accept_dad", before) })
	}
	for _, mode := range []engine.MACMode{engine.MACPhysical, engine.MACVirtual} {
		for _, addr := range []string{"2001:db8::10/64", "fe80::10/64"} {
			l, r := newLAN(t), newRig(t)
			op := order(mode, addr)
			p := op.Addresses[0]
			l.holdsStill(p)
			for _, ifname := range []string{nodeIf, "all", "default"} {
				set(t, "ipv6", ifname, "accept_dad", "1")
			}
			mac := r.ok(op, engine.OpPrepare).MAC
			for _, when := range []string{"installed", "installed after the interface was down"} {
				if res := r.ok(op, engine.OpInstall); when == "installed" && len(res.Notes) > 0 {
					t.Errorf("%s %s: notes %q", p, when, res.Notes)
				}
				e, on := look(t, r.carrier(op), p)
				if !on || e.Tentative() || e.Duplicate() || e.Flags&unix.IFA_F_NODAD == 0 || e.Flags&unix.IFA_F_DEPRECATED == 0 {
					t.Errorf("%s %s: on %v with flags %#x, want it usable at once and deprecated", p, when, on, e.Flags)
				}
				l.expect(p.Addr(), when, net.HardwareAddr(mac[:]).String())
				link, err := netlink.LinkByName(nodeIf)
				must(t, err)
				must(t, netlink.LinkSetDown(link))
				must(t, netlink.LinkSetUp(link))
				l.settle()
			}
			r.ok(op, engine.OpDiscard)
			r.close()
			l.tearDown()
		}
	}
}

// TestDuplicateOfSomebodyElseIsReplaced installs where somebody has added the
// address already, in the ordinary way, so that the kernel found the node that
// had it and gave it up.
func TestDuplicateOfSomebodyElseIsReplaced(t *testing.T) {
	l, r := newLAN(t), newRig(t)
	op := order(engine.MACPhysical, "2001:db8::10/64")
	p := op.Addresses[0]
	l.holdsStill(p)
	r.ok(op, engine.OpPrepare)
	set(t, "ipv6", nodeIf, "accept_dad", "1")
	link, err := netlink.LinkByName(nodeIf)
	must(t, err)
	must(t, netlink.AddrAdd(link, &netlink.Addr{IPNet: ipnet(p)}))
	l.wait("the kernel to find the duplicate", func() bool {
		e, _ := look(t, nodeIf, p)
		return e.Duplicate()
	})
	res := r.ok(op, engine.OpInstall)
	if len(res.Notes) != 1 || !strings.Contains(res.Notes[0], p.String()+" was there already") {
		t.Errorf("notes %q, want that it was there already", res.Notes)
	}
	l.expect(p.Addr(), "installed", l.nodeMAC().String())
	r.ok(op, engine.OpDiscard)
	l.expect(p.Addr(), "discarded")
}

// TestOneOfASubnetLeaves takes the address off that came first into a subnet
// which the node has no address of its own in. Without promote_secondaries the
// kernel takes all others of the subnet with it.
func TestOneOfASubnetLeaves(t *testing.T) {
	for _, mode := range []engine.MACMode{engine.MACPhysical, engine.MACVirtual} {
		l, r := newLAN(t), newRig(t)
		set(t, "ipv4", nodeIf, "promote_secondaries", "0")
		first, second := order(mode, "198.18.0.10/24"), order(mode, "198.18.0.11/24", "198.18.0.12/24")
		second.VRID = 52
		macs := map[uint8]net.HardwareAddr{}
		for _, op := range []engine.Op{first, second} {
			mac := r.ok(op, engine.OpPrepare).MAC
			macs[op.VRID] = mac[:]
			r.ok(op, engine.OpInstall)
		}
		r.ok(first, engine.OpRemove)
		for _, p := range second.Addresses {
			if _, on := look(t, r.carrier(second), p); !on {
				t.Errorf("%s left together with the first of its subnet", p)
			}
		}
		l.wantServed(second.Addresses[0].Addr(), macs[52], "alone in the subnet", true)
		r.ok(first, engine.OpInstall)
		r.ok(second, engine.OpRemove)
		if _, on := look(t, r.carrier(first), first.Addresses[0]); !on {
			t.Errorf("%s left together with the others", first.Addresses[0])
		}
		l.wantServed(first.Addresses[0].Addr(), macs[51], "alone again", true)
		r.ok(first, engine.OpDiscard)
		r.ok(second, engine.OpDiscard)
		r.close()
		if got := setting(t, "ipv4", nodeIf, "promote_secondaries"); got != "0" {
			t.Errorf("promote_secondaries is %s in the end, want 0 as before", got)
		}
		l.tearDown()
	}
}

// carrier is the interface that carries the addresses of an order.
func (r *rig) carrier(op engine.Op) string {
	if op.MAC == engine.MACVirtual {
		return macvlan.Name(op.Family, index(r.t, nodeIf), op.VRID)
	}
	return nodeIf
}

// TestNeighboursAreAskedForAnew installs while the kernel asks for a neighbour
// in vain, which it does once a second.
func TestNeighboursAreAskedForAnew(t *testing.T) {
	for _, c := range []struct {
		family        int
		name          string
		from          netip.Addr
		stranger, vip string
	}{
		{netlink.FAMILY_V4, "ipv4", node4.Addr(), "192.0.2.99", "192.0.2.10/24"},
		{netlink.FAMILY_V6, "ipv6", node6.Addr(), "2001:db8::99", "2001:db8::10/64"},
	} {
		newLAN(t)
		r := newRig(t)
		stranger := netip.MustParseAddr(c.stranger)
		// Long enough to be seen, however busy the machine is.
		must(t, os.WriteFile("/proc/sys/net/"+c.name+"/neigh/"+nodeIf+"/mcast_solicit", []byte("1000"), 0o644))
		state := func() int {
			t.Helper()
			list, err := netlink.NeighList(index(t, nodeIf), c.family)
			must(t, err)
			for _, n := range list {
				if ip, _ := netip.AddrFromSlice(n.IP); ip.Unmap() == stranger {
					return n.State
				}
			}
			return 0
		}
		sendFrom(t, c.from, stranger)
		if got := state(); got != unix.NUD_INCOMPLETE {
			t.Errorf("%s: state %#x, want that the kernel asks for it", stranger, got)
		}
		time.Sleep(2 * inVain)
		op := order(engine.MACAuto, c.vip)
		r.ok(op, engine.OpPrepare)
		r.ok(op, engine.OpInstall)
		r.ok(op, engine.OpDiscard) // what comes after an Install is over then
		if got := state(); got != 0 {
			t.Errorf("%s: state %#x after an install, want none", stranger, got)
		}
		r.close()
		link, err := netlink.LinkByName(nodeIf)
		must(t, err)
		must(t, netlink.LinkDel(link))
	}
}
