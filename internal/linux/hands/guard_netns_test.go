package hands

import (
	"net"
	"net/netip"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/linux/gate"
	"github.com/holdfast-net/holdfast/internal/linux/macvlan"
)

// newGuardedRig is Hands that put what they prepare behind a gate.
func newGuardedRig(t *testing.T) (*rig, *gate.Gate) {
	t.Helper()
	g, err := gate.Open(gate.Options{})
	must(t, err)
	t.Cleanup(func() {
		must(t, g.Close())
		_, err := gate.Sweep("")
		must(t, err)
	})
	r := &rig{t: t, results: make(chan engine.Result, 10000)}
	r.hands, err = New(Config{Deliver: func(res engine.Result) { r.results <- res }, Gate: g})
	must(t, err)
	t.Cleanup(func() { must(t, r.hands.Close()) })
	return r, g
}

// open is a hold that no test lives to see the end of.
var open = engine.Hold{Announced: 1 << 62, Served: 1 << 62}

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
			l := newLAN(t)
			r, g := newGuardedRig(t)
			first, then := netip.MustParsePrefix(c.first).Addr(), netip.MustParsePrefix(c.then).Addr()
			op := order(c.mac, c.first)
			mac := l.nodeMAC().String()
			if c.mac == engine.MACVirtual {
				m := macvlan.MAC(op.Family, op.VRID)
				mac = net.HardwareAddr(m[:]).String()
			}
			slot := r.ok(op, engine.OpPrepare).Slot
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

// TestGuardOfARecreatedInterface deletes the interface below the addresses.
func TestGuardOfARecreatedInterface(t *testing.T) {
	l := newLAN(t)
	r, g := newGuardedRig(t)
	op := order(engine.MACPhysical, "192.0.2.10/24")
	slot := r.ok(op, engine.OpPrepare).Slot
	g.Set(slot, open)
	r.ok(op, engine.OpInstall)
	l.expect(op.Addresses[0].Addr(), "installed", l.nodeMAC().String())

	e, err := netlink.LinkByName(nodeIf)
	must(t, err)
	must(t, netlink.LinkDel(e))
	l = newLAN(t)
	r.ok(op, engine.OpInstall)
	l.expect(op.Addresses[0].Addr(), "installed on the new interface", l.nodeMAC().String())
	g.Set(slot, engine.Hold{})
	l.expect(op.Addresses[0].Addr(), "gate closed")
	r.ok(op, engine.OpDiscard)
}
