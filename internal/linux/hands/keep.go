package hands

import (
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/linux/address"
	"github.com/holdfast-net/holdfast/internal/linux/macvlan"
)

// keep takes for its own what another process prepared for a router and left as
// it is, for this one to go on with: a macvlan, and the addresses that are on.
// Nil: there is nothing of the kind that was ordered.
func (h *hand) keep(op engine.Op, link netlink.Link, present []address.Entry) (*router, error) {
	r := &router{op: op, index: h.parent, held: map[netip.Prefix]held{}}
	copy(r.mac[:], link.Attrs().HardwareAddr)
	if op.MAC != engine.MACPhysical {
		made, err := h.nl.LinkByName(macvlan.Name(op.Family, h.parent, op.VRID))
		switch {
		case err == nil && macvlan.Ours(made):
			r.virtual, r.index, r.mac = true, made.Attrs().Index, macvlan.MAC(op.Family, op.VRID)
			if present, err = address.List(h.conn, r.index); err != nil {
				return nil, err
			}
		case op.MAC == engine.MACVirtual:
			return nil, nil
		default:
			r.why = h.unsuitable(op, link, present)
		}
	}
	for _, e := range present {
		if !names(op, e.Prefix.Addr()) {
			continue
		}
		on := held{route: address.WithRoute, before: op.Owner && !e.Ours()}
		if e.Flags&unix.IFA_F_NOPREFIXROUTE != 0 {
			on.route = address.WithoutRoute
		}
		h.hold(r, e.Prefix, on)
	}
	return r, nil
}
