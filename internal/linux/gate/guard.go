package gate

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"

	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/vrrp"
)

// Spec is what to guard for one virtual router.
type Spec struct {
	Interface string // that the group names; of a virtual MAC the one below
	Family    vrrp.Family
	VRID      uint8
	// Addresses are all addresses that a packet of this router could bear:
	// what it shall hold, and what may still be on from before.
	Addresses []netip.Addr
	// MAC is the virtual MAC. Zero: the addresses use the interface's own.
	MAC [6]byte
}

// Slots is how many virtual routers a gate can guard.
const Slots = 8192

var errFull = errors.New("all slots are in use")

// Guard makes the kernel obey a slot for a virtual router, and returns the
// slot. A router that is not guarded yet gets one that is closed. For one that
// is, the slot and its hold stay as they are, and what is guarded becomes what
// the Spec says: call it with new addresses before they are put on, without
// old ones after they were taken off, and again when the interface was
// re-created.
func (g *Gate) Guard(s Spec) (engine.Slot, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	slot, err := g.guard(s)
	if err != nil {
		return 0, fmt.Errorf("cannot guard virtual router %d on %s: %w", s.VRID, s.Interface, err)
	}
	return slot, nil
}

func (g *Gate) guard(s Spec) (engine.Slot, error) {
	if s.MAC != [6]byte{} && (s.MAC[0] != 0 || s.MAC[1] != 0) {
		return 0, fmt.Errorf("%x is no virtual MAC of a kind that the gate knows", s.MAC)
	}
	l, err := findLink(s.Interface)
	if err != nil {
		return 0, err
	}
	want := guarded{routerID: routerID{s.Interface, s.Family, s.VRID}, link: l, mac: s.MAC}
	for _, a := range s.Addresses {
		if a = a.Unmap().WithZone(""); !slices.Contains(want.addrs, a) {
			want.addrs = append(want.addrs, a)
		}
	}
	before := g.slots.find(want.routerID)
	if before != nil {
		want.slot = before.slot
	} else if want.slot, err = g.slots.vacant(); err != nil {
		return 0, err
	}
	if before == nil {
		g.line.set(want.slot, engine.Hold{}) // before any packet can lead to it
	}
	if err := g.line.guard(before, want); err != nil {
		if before == nil {
			err = errors.Join(err, g.line.release(want))
		}
		return 0, err
	}
	g.slots.put(want)
	return want.slot, nil
}

// Release ends the guarding of a slot: its addresses must be off.
func (g *Gate) Release(s engine.Slot) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	was := g.slots.of(s)
	if was == nil {
		return nil
	}
	g.line.set(s, engine.Hold{})
	if err := g.line.release(*was); err != nil {
		return fmt.Errorf("cannot end the guard of virtual router %d on %s: %w", was.vrid, was.ifname, err)
	}
	g.slots.drop(s)
	return nil
}

// routerID names a virtual router.
type routerID struct {
	ifname string
	family vrrp.Family
	vrid   uint8
}

// guarded is what one slot stands for.
type guarded struct {
	routerID
	slot  engine.Slot
	link  link
	mac   [6]byte // zero: none
	addrs []netip.Addr
}

// link is an interface as the gate needs it.
type link struct {
	index int
	mac   [6]byte // its own
	ether bool    // its packets have an Ethernet header
}

func findLink(name string) (link, error) {
	found, err := netlink.LinkByName(name)
	if err != nil {
		return link{}, err
	}
	return linkOf(found), nil
}

func linkOf(found netlink.Link) link {
	a := found.Attrs()
	l := link{index: a.Index, ether: a.EncapType == "ether" || a.EncapType == "loopback"}
	copy(l.mac[:], a.HardwareAddr)
	return l
}

// registry knows which slot is whose.
type registry struct {
	bySlot map[engine.Slot]*guarded
	byID   map[routerID]*guarded
	next   engine.Slot // below it none is vacant
}

func (r *registry) adopt(known []guarded) error {
	r.bySlot, r.byID = map[engine.Slot]*guarded{}, map[routerID]*guarded{}
	for _, k := range known {
		if r.byID[k.routerID] != nil || r.bySlot[k.slot] != nil {
			return fmt.Errorf("virtual router %d on %s is there twice", k.vrid, k.ifname)
		}
		r.put(k)
	}
	return nil
}

func (r *registry) find(id routerID) *guarded { return r.byID[id] }
func (r *registry) of(s engine.Slot) *guarded { return r.bySlot[s] }

func (r *registry) put(g guarded) {
	r.bySlot[g.slot], r.byID[g.routerID] = &g, &g
}

func (r *registry) drop(s engine.Slot) {
	delete(r.byID, r.bySlot[s].routerID)
	delete(r.bySlot, s)
	r.next = min(r.next, s)
}

func (r *registry) vacant() (engine.Slot, error) {
	for ; r.next < Slots; r.next++ {
		if r.bySlot[r.next] == nil {
			return r.next, nil
		}
	}
	return 0, errFull
}
