package hands

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/nftables"
	"github.com/vishvananda/netlink"

	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/linux/watch"
)

// TestInterfaceComesBack deletes the interface, macvlan and all, under an
// active group and makes it again.
func TestInterfaceComesBack(t *testing.T) {
	for _, mode := range []engine.MACMode{engine.MACPhysical, engine.MACVirtual} {
		l, r := newLAN(t), newRig(t)
		op := order(mode, "192.0.2.10/24")
		r.ok(op, engine.OpPrepare)
		r.ok(op, engine.OpInstall)
		l.tearDown()
		op.Kind = engine.OpInstall
		if res := r.do(op); res.Err == nil {
			t.Error("installed on an interface that does not exist")
		}
		r.ok(op, engine.OpRemove)
		l = newLAN(t)
		res := r.ok(op, engine.OpInstall)
		l.expect(op.Addresses[0].Addr(), "made again", net.HardwareAddr(res.MAC[:]).String())
		r.ok(op, engine.OpDiscard)
		r.close()
		l.tearDown()
	}
}

// TestInterfaceGoesDownAndUp takes the interface down under an active group,
// which costs it the IPv6 addresses, and installs again.
func TestInterfaceGoesDownAndUp(t *testing.T) {
	for _, mode := range []engine.MACMode{engine.MACPhysical, engine.MACVirtual} {
		l, r := newLAN(t), newRig(t)
		for _, op := range []engine.Op{order(mode, "192.0.2.10/24"), order(mode, "2001:db8::10/64")} {
			mac := r.ok(op, engine.OpPrepare).MAC
			r.ok(op, engine.OpInstall)
			e, err := netlink.LinkByName(nodeIf)
			must(t, err)
			must(t, netlink.LinkSetDown(e))
			must(t, netlink.LinkSetUp(e))
			l.settle()
			r.ok(op, engine.OpInstall)
			l.expect(op.Addresses[0].Addr(), "up again", net.HardwareAddr(mac[:]).String())
			r.ok(op, engine.OpDiscard)
		}
		r.close()
		l.tearDown()
	}
}

// TestSomebodyTakesItOff installs again after somebody has removed the
// address, which the watch tells under the name of the group's interface.
func TestSomebodyTakesItOff(t *testing.T) {
	for _, mode := range []engine.MACMode{engine.MACPhysical, engine.MACVirtual} {
		l, r := newLAN(t), newRig(t)
		lost := make(chan netip.Prefix, 1000)
		w, err := watch.New(func(c engine.Change) {
			for _, p := range c.Lost {
				if c.Link.Name == nodeIf {
					lost <- p
				}
			}
		})
		must(t, err)
		for _, op := range []engine.Op{order(mode, "192.0.2.10/24"), order(mode, "2001:db8::10/64")} {
			mac := r.ok(op, engine.OpPrepare).MAC
			r.ok(op, engine.OpInstall)
			e, err := netlink.LinkByName(r.carrier(op))
			must(t, err)
			p := op.Addresses[0]
			must(t, netlink.AddrDel(e, &netlink.Addr{IPNet: ipnet(p)}))
			select {
			case got := <-lost:
				if got != p {
					t.Errorf("told that %s is lost, want %s", got, p)
				}
			case <-time.After(grace):
				t.Errorf("not told that %s is lost", p)
			}
			l.expect(p.Addr(), "taken off")
			res := r.ok(op, engine.OpInstall)
			if len(res.Notes) != 1 || !strings.Contains(res.Notes[0], p.String()+" had been removed") {
				t.Errorf("notes %q, want that %s had been removed", res.Notes, p)
			}
			l.expect(p.Addr(), "put on again", net.HardwareAddr(mac[:]).String())
			r.ok(op, engine.OpDiscard)
			if got := <-lost; got != p {
				t.Errorf("told that %s is lost when it was discarded, want %s", got, p)
			}
		}
		must(t, w.Close())
		r.close()
		l.tearDown()
	}
}

// TestFlushedTables takes the tables away, as restarting a firewall does: the
// next order that counts on them makes them again.
func TestFlushedTables(t *testing.T) {
	l, r := newLAN(t), newRig(t)
	var ops []engine.Op
	for i, addr := range []string{"192.0.2.10/24", "192.0.2.11/24", "2001:db8::10/64", "2001:db8::11/64"} {
		op := order(engine.MACPhysical, addr)
		op.VRID += uint8(i)
		op.Drop = true
		r.ok(op, engine.OpPrepare)
		r.ok(op, engine.OpInstall)
		ops = append(ops, op)
	}
	closed := func(when string, ops []engine.Op) {
		t.Helper()
		for _, op := range ops {
			l.wantServed(op.Addresses[0].Addr(), l.nodeMAC(), when, false)
		}
	}
	flush := func() {
		nft, err := nftables.New()
		must(t, err)
		nft.FlushRuleset()
		must(t, nft.Flush())
	}
	closed("installed", ops)
	flush()
	r.ok(ops[0], engine.OpInstall)
	closed("one was installed after a flush", ops)
	flush()
	r.ok(ops[0], engine.OpDiscard)
	closed("another was discarded after a flush", ops[1:])
	flush()
	for _, op := range ops[1:] {
		r.ok(op, engine.OpDiscard)
	}
}

// TestSomebodyDeletesTheMacvlan installs again after it was deleted under an
// active group, and removes and discards a group whose macvlan is gone.
func TestSomebodyDeletesTheMacvlan(t *testing.T) {
	l, r := newLAN(t), newRig(t)
	before := snapshot(t)
	for _, op := range []engine.Op{order(engine.MACVirtual, "192.0.2.10/24"), order(engine.MACVirtual, "2001:db8::10/64")} {
		cut := func() {
			t.Helper()
			link, err := netlink.LinkByName(r.carrier(op))
			must(t, err)
			must(t, netlink.LinkDel(link))
		}
		mac := r.ok(op, engine.OpPrepare).MAC
		want := net.HardwareAddr(mac[:]).String()
		r.ok(op, engine.OpInstall)
		cut()
		l.expect(op.Addresses[0].Addr(), "deleted")
		if res := r.ok(op, engine.OpInstall); len(res.Notes) != 1 || !strings.Contains(res.Notes[0], "was made anew") {
			t.Errorf("notes %q, want that the macvlan was made anew", res.Notes)
		}
		l.expect(op.Addresses[0].Addr(), "installed again", want)
		cut()
		r.ok(op, engine.OpRemove)
		r.ok(op, engine.OpInstall)
		l.expect(op.Addresses[0].Addr(), "installed after it was deleted and removed", want)
		r.ok(op, engine.OpRemove)
		cut() // while backup
		r.ok(op, engine.OpInstall)
		l.expect(op.Addresses[0].Addr(), "installed after it was deleted while backup", want)
		cut()
		r.ok(op, engine.OpDiscard)
	}
	r.close()
	if diff := cmp.Diff(before, snapshot(t)); diff != "" {
		t.Errorf("before and after differ (-before +after):\n%s", diff)
	}
}
