package hands

import (
	"fmt"
	"net"
	"net/netip"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/linux/macvlan"
)

// TestGuard takes addresses through all orders behind a gate: they answer while
// it is open, and while they are on, and not otherwise.
func TestGuard(t *testing.T) {
	for _, c := range []struct {
		name        string
		mac         engine.MACMode
		first, then string
	}{
		{name: "physical IPv4", mac: engine.MACPhysical, first: "192.0.2.10/24", then: "192.0.2.11/24"},
		{name: "physical IPv6", mac: engine.MACPhysical, first: "2001:db8::10/64", then: "2001:db8::11/64"},
		{name: "virtual IPv4", mac: engine.MACVirtual, first: "192.0.2.10/24", then: "192.0.2.11/24"},
		{name: "virtual IPv6", mac: engine.MACVirtual, first: "2001:db8::10/64", then: "2001:db8::11/64"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, r := newLAN(t), newRig(t)
			g := r.gate
			first, then := netip.MustParsePrefix(c.first).Addr(), netip.MustParsePrefix(c.then).Addr()
			op := order(c.mac, c.first)
			mac := l.nodeMAC().String()
			if c.mac == engine.MACVirtual {
				m := macvlan.MAC(op.Family, op.VRID)
				mac = net.HardwareAddr(m[:]).String()
			}
			slot := r.ok(op, engine.OpPrepare).Slot
			g.Set(slot, engine.Hold{})
			r.ok(op, engine.OpInstall)
			l.expect(first, "installed, gate closed")
			g.Set(slot, open)
			l.expect(first, "gate open", mac)

			next := order(c.mac, c.then)
			r.ok(next, engine.OpInstall)
			l.expect(first, "left the list")
			l.expect(then, "new on the list, gate open", mac)
			g.Set(slot, engine.Hold{})
			l.expect(then, "gate closed again")
			g.Set(slot, open)

			r.ok(next, engine.OpRemove)
			l.expect(then, "removed")
			if again := r.ok(next, engine.OpPrepare).Slot; again != slot {
				t.Errorf("prepared again: slot %d, want %d as before", again, slot)
			}
			r.ok(next, engine.OpDiscard)
			l.wait("the gate is gone", func() bool { return g.Held(slot) == engine.Hold{} })
		})
	}
}

// TestGuardOfARecreatedInterface deletes the interface below the addresses. A
// new one has another number, by which the gate knows interfaces and MACs.
func TestGuardOfARecreatedInterface(t *testing.T) {
	for _, addr := range []string{"192.0.2.10/24", "2001:db8::10/64", "fe80::10/64"} {
		for _, mode := range []engine.MACMode{engine.MACPhysical, engine.MACVirtual} {
			t.Run(fmt.Sprint(addr, mode), func(t *testing.T) {
				l, r := newLAN(t), newRig(t)
				op := order(mode, addr)
				a, own := op.Addresses[0].Addr(), node4.Addr()
				if a.Is6() {
					own = node6.Addr()
				}
				answers := func(when string, res engine.Result) {
					t.Helper()
					mac := net.HardwareAddr(res.MAC[:])
					l.expect(a, when, mac.String())
					l.wantServed(a, mac, when, true)
					// All frames of a virtual MAC stand behind the gate.
					l.wantServed(own, mac, when+", the node's own address", true)
				}
				closed := func(when string, res engine.Result) {
					t.Helper()
					mac := net.HardwareAddr(res.MAC[:])
					l.expect(a, when)
					l.wantServed(a, mac, when, false)
					l.wantServed(own, mac, when+", the node's own address", !res.Virtual)
				}
				first := r.ok(op, engine.OpPrepare)
				r.ok(op, engine.OpInstall)
				answers("installed", first)

				was := index(t, nodeIf)
				e, err := netlink.LinkByName(nodeIf)
				must(t, err)
				must(t, netlink.LinkDel(e))
				l = newLAN(t)
				if index(t, nodeIf) == was {
					t.Fatal("the new interface has the number of the old one: the test shows nothing")
				}
				again := r.ok(op, engine.OpInstall)
				answers("installed on the new interface", again)
				r.hold(engine.Hold{})
				closed("gate closed", again)
				r.hold(open)
				r.ok(op, engine.OpRemove)
				l.expect(a, "removed")
				if again = r.ok(op, engine.OpPrepare); again.Slot != first.Slot || again.Virtual != first.Virtual {
					t.Errorf("prepared again: slot %d, virtual %v; want %d, %v as before", again.Slot, again.Virtual, first.Slot, first.Virtual)
				}
				r.ok(op, engine.OpDiscard)
			})
		}
	}
}

// TestWithoutGate has nobody guard: addresses that are on answer.
func TestWithoutGate(t *testing.T) {
	for _, addr := range []string{"192.0.2.10/24", "2001:db8::10/64"} {
		for _, mode := range []engine.MACMode{engine.MACPhysical, engine.MACVirtual} {
			l, r := newLAN(t), newRigWith(t, nil, Config{})
			op := order(mode, addr)
			a := op.Addresses[0].Addr()
			mac := r.ok(op, engine.OpPrepare).MAC
			l.expect(a, "prepared")
			r.ok(op, engine.OpInstall)
			l.expect(a, "installed", net.HardwareAddr(mac[:]).String())
			r.ok(op, engine.OpRemove)
			l.expect(a, "removed")
			r.ok(op, engine.OpDiscard)
			r.close()
			l.tearDown()
		}
	}
}
