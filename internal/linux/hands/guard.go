package hands

import (
	"net/netip"
	"slices"

	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/linux/address"
	"github.com/holdfast-net/holdfast/internal/linux/gate"
)

// guard is what stands behind the gate for one router.
type guard struct {
	slot  engine.Slot
	index int // of the interface at that time
	spec  gate.Spec
}

// guard puts all that a router has, and is to have, behind the gate: before an
// address is put on, and again after one was taken off. Where that is so
// already, which is what every failover finds, it costs nothing.
func (h *hand) guard(id routerID, r *router) error {
	if h.hands.cfg.Gate == nil {
		return nil
	}
	s := gate.Spec{Interface: h.ifname, Family: id.family, VRID: id.vrid, Addresses: r.addresses()}
	if r.virtual {
		s.MAC = r.mac
	}
	was, known := h.guards[id]
	if known && was.index == h.parent && was.spec.MAC == s.MAC && slices.Equal(was.spec.Addresses, s.Addresses) {
		return nil
	}
	slot, err := h.hands.cfg.Gate.Guard(s)
	if err == nil {
		h.guards[id] = guard{slot, h.parent, s}
	}
	return err
}

// noteOwn notes which addresses of an owner (priority 255) are the machine's own. They
// are not ours to close: without them it could not even ask for its addresses.
func (r *router) noteOwn(op engine.Op, present []address.Entry) {
	r.own = nil
	for _, e := range present {
		if op.Owner && !e.Ours() && names(op, e.Prefix.Addr()) {
			r.own = append(r.own, e.Prefix.Addr())
		}
	}
}

// addresses lists the addresses that the router has or is to have, and that
// are not the machine's own.
func (r *router) addresses() []netip.Addr {
	list := make([]netip.Addr, 0, len(r.op.Addresses))
	add := func(p netip.Prefix) {
		if !slices.Contains(r.own, p.Addr()) {
			list = append(list, p.Addr())
		}
	}
	for _, p := range r.op.Addresses {
		add(p)
	}
	for p := range r.held {
		add(p)
	}
	slices.SortFunc(list, netip.Addr.Compare)
	return slices.Compact(list)
}

// guardAll guards routers whose addresses have changed.
func (h *hand) guardAll(results []engine.Result) {
	for i := range results {
		id := idOf(results[i].Op)
		if r := h.routers[id]; r != nil && results[i].Err == nil {
			if err := h.guard(id, r); err != nil {
				fail(results[i:i+1], err)
			}
		}
	}
}

// unguardRetired ends the guard of routers whose macvlans are gone. A macvlan
// without an address still tells its neighbours of multicast groups, from a MAC
// that another node has.
func (h *hand) unguardRetired() {
	for id := range h.retired {
		delete(h.retired, id)
		if h.routers[id] == nil {
			h.complain(h.unguard(id))
		}
	}
}

// unguard ends the guard of a router, whose addresses are off.
func (h *hand) unguard(id routerID) error {
	g, ok := h.guards[id]
	if !ok {
		return nil
	}
	if err := h.hands.cfg.Gate.Release(g.slot); err != nil {
		return err
	}
	delete(h.guards, id)
	return nil
}
