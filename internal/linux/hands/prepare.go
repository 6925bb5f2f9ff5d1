package hands

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"

	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/linux/address"
	"github.com/holdfast-net/holdfast/internal/linux/filter"
	"github.com/holdfast-net/holdfast/internal/linux/macvlan"
	"github.com/holdfast-net/holdfast/internal/linux/rtnl"
	"github.com/holdfast-net/holdfast/internal/linux/sysctl"
)

// prepare makes ready what an Install needs.
func (h *hand) prepare(results []engine.Result) {
	link, err := h.find()
	if err != nil {
		fail(results, err)
		return
	}
	h.deleteDoomed() // their names may be wanted again
	present, err := address.List(h.conn, h.parent)
	if err != nil {
		fail(results, err)
		return
	}
	for i := range results {
		res := &results[i]
		res.Err = h.prepareOne(link, present, res)
	}
}

// find looks the interface up. One that was re-created has lost everything
// that we did to it, macvlans included.
func (h *hand) find() (netlink.Link, error) {
	link, err := h.nl.LinkByName(h.ifname)
	if err != nil {
		return nil, err
	}
	if index := link.Attrs().Index; index != h.parent {
		h.parent = index
		clear(h.routers)
		clear(h.brought)
		clear(h.chores)
	}
	return link, nil
}

func (h *hand) prepareOne(link netlink.Link, present []address.Entry, res *engine.Result) error {
	op := res.Op
	if len(op.Addresses) == 0 {
		return errors.New("there are none")
	}
	id := idOf(op)
	r := h.routers[id]
	if r == nil && op.Keep {
		var err error
		if r, err = h.keep(op, link, present); err != nil {
			return err
		}
		if r != nil {
			h.routers[id] = r
		}
	}
	if r == nil || len(r.held) == 0 {
		if err := h.clean(op, present, res); err != nil {
			return err
		}
	}
	switch {
	case r == nil:
		r = &router{held: map[netip.Prefix]held{}}
		h.routers[id] = r
		fallthrough
	case len(r.held) == 0 && r.op.MAC != op.MAC:
		if err := h.chooseMAC(r, link, present, res); err != nil {
			delete(h.routers, id)
			return err
		}
	}
	r.op = op
	res.MAC, res.Virtual, res.Why = r.mac, r.virtual, r.why
	r.noteOwn(op, present)
	if err := h.guard(id, r); err != nil {
		return err
	}
	res.Slot = h.guards[id].slot
	res.Notes = append(res.Notes, h.adjust(r.needs())...)
	return h.hands.filter.Close(map[string][]filter.Key{h.user(id): r.closed()})
}

// clean removes what an earlier run left: the addresses of the router, and a
// macvlan of its name. A backup with one of the addresses would answer for it.
func (h *hand) clean(op engine.Op, present []address.Entry, res *engine.Result) error {
	own := 0 // addresses of the family that are neither ours nor the group's
	for _, e := range present {
		if e.Prefix.Addr().Is4() == (op.Family == 4) && !e.Ours() && !names(op, e.Prefix.Addr()) && !e.Prefix.Addr().IsLinkLocalUnicast() {
			own++
		}
	}
	var reqs []rtnl.Request
	for _, e := range present {
		switch {
		case !names(op, e.Prefix.Addr()) || h.holds(e.Prefix):
		case e.Ours():
			reqs = append(reqs, address.Remove(e.Index, e.Prefix))
			res.Notes = append(res.Notes, fmt.Sprintf("removed %s from %s, left there by an earlier run", e.Prefix, h.ifname))
		case op.Owner:
		case own == 0 && e.Prefix.Addr().Is4():
			return fmt.Errorf("%s is the only address of the interface itself: only a router with priority 255 may hold it", e.Prefix.Addr())
		default:
			reqs = append(reqs, address.Remove(e.Index, e.Prefix))
			res.Notes = append(res.Notes, fmt.Sprintf("removed %s from %s: it would answer there while this node is backup", e.Prefix, h.ifname))
		}
	}
	h.send(reqs)
	for _, req := range reqs {
		if req.Err != nil && !gone(req.Err) {
			return fmt.Errorf("cannot remove a leftover address: %w", req.Err)
		}
	}
	return nil
}

func names(op engine.Op, a netip.Addr) bool {
	return slices.ContainsFunc(op.Addresses, func(p netip.Prefix) bool { return p.Addr() == a })
}

// holds says whether the address is on for a router right now.
func (h *hand) holds(p netip.Prefix) bool {
	for _, r := range h.routers {
		if _, ok := r.held[p]; ok {
			return true
		}
	}
	return false
}

// chooseMAC decides who answers for the router's addresses and makes the
// macvlan where that is a virtual MAC.
func (h *hand) chooseMAC(r *router, link netlink.Link, present []address.Entry, res *engine.Result) error {
	op := res.Op
	if err := h.dropMacvlan(r, op, res); err != nil {
		return err
	}
	r.virtual, r.why, r.index = false, "", h.parent
	copy(r.mac[:], link.Attrs().HardwareAddr)
	if op.MAC == engine.MACPhysical {
		return nil
	}
	r.why = h.unsuitable(op, link, present)
	if r.why == "" {
		index, notes, err := macvlan.Make(h.nl, h.conn, macvlan.Spec{Parent: link, Family: op.Family, VRID: op.VRID, Group: op.Group})
		res.Notes = append(res.Notes, notes...)
		if err == nil {
			r.virtual, r.index, r.mac = true, index, macvlan.MAC(op.Family, op.VRID)
			return nil
		}
		r.why = fmt.Sprintf("%s does not take a macvlan: %v", h.ifname, err)
	}
	if op.MAC == engine.MACVirtual {
		return fmt.Errorf("no virtual MAC: %s", r.why)
	}
	return nil
}

// unsuitable says why there can be no virtual MAC, before it is tried.
func (h *hand) unsuitable(op engine.Op, link netlink.Link, present []address.Entry) string {
	if why := macvlan.Unsuitable(h.nl, link); why != "" {
		return why
	}
	if op.Owner {
		for _, e := range present {
			if names(op, e.Prefix.Addr()) && !e.Ours() {
				return fmt.Sprintf("%s has %s itself and answers for it with its own MAC", h.ifname, e.Prefix.Addr())
			}
		}
	}
	if op.Family == 4 {
		// With these the kernel compares the asker's address with routes
		// and subnets of the macvlan, where it never is.
		switch all := sysctl.ReadAll(); {
		case all.ARPFilter != 0:
			return fmt.Sprintf("net.ipv4.conf.all.arp_filter is %d: the macvlan would not answer", all.ARPFilter)
		case all.ARPIgnore > 2:
			return fmt.Sprintf("net.ipv4.conf.all.arp_ignore is %d: the macvlan would not answer", all.ARPIgnore)
		}
	}
	return ""
}

// dropMacvlan deletes the router's macvlan: the one we made, or one that an
// earlier run left.
func (h *hand) dropMacvlan(r *router, op engine.Op, res *engine.Result) error {
	name := macvlan.Name(op.Family, h.parent, op.VRID)
	link, err := h.nl.LinkByName(name)
	if err != nil {
		return nil // there is none
	}
	if !macvlan.Ours(link) {
		return nil // making ours will say so
	}
	index := link.Attrs().Index
	if !r.virtual {
		res.Notes = append(res.Notes, fmt.Sprintf("removed %s, left there by an earlier run", name))
	}
	delete(h.chores, index)
	return macvlan.Delete(h.nl, index)
}
