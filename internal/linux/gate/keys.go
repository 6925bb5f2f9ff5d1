package gate

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/vishvananda/netlink"

	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/vrrp"
)

// own is OWN of bpf/maps.h: the MAC of the interface itself.
const own = ^uint32(0)

// guard leads packets to a slot. New keys come before the hint that makes the
// programs look for them would be wrong the other way round: a hint without a
// key costs a look, a key without a hint is no guard. So: hint, key, program.
func (k *kernel) guard(before *guarded, now guarded) error {
	slot := uint32(now.slot)
	k.unhint(now.slot)
	k.inscribe(now)
	for _, a := range now.addrs {
		key := addressKey(a, now.link.index)
		if owner, known := k.owner[key]; known && owner == now.slot {
			continue
		}
		k.hint(key)
		if err := k.objs.HfAddresses.Put(key, kernelGuarded{Slot: slot}); err != nil {
			return fmt.Errorf("%s: %w", a, err)
		}
		k.owner[key] = now.slot
	}
	if now.mac != [6]byte{} {
		if err := k.objs.HfMacs.Put(now.macKey(), slot); err != nil {
			return fmt.Errorf("MAC address: %w", err)
		}
	}
	if err := k.objs.HfRouters.Put(now.routerKey(), slot); err != nil {
		return err
	}
	k.rehint(k.keysOf(now.slot))
	if err := k.use(now.link, now.slot); err != nil {
		return err
	}
	if before == nil {
		return nil
	}
	return k.forget(*before, &now)
}

func (k *kernel) release(g guarded) error { return k.forget(g, nil) }

// forget removes the keys of was, except those that now still needs.
func (k *kernel) forget(was guarded, now *guarded) error {
	var errs []error
	remove := func(m *ebpf.Map, key any) {
		if err := m.Delete(key); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			errs = append(errs, err)
		}
	}
	var gone []kernelAddress
	for _, a := range was.addrs {
		key := addressKey(a, was.link.index)
		if now != nil && slices.ContainsFunc(now.addrs, func(b netip.Addr) bool { return addressKey(b, now.link.index) == key }) {
			continue
		}
		if k.owner[key] == was.slot { // else another router has it by now
			remove(k.objs.HfAddresses, key)
			delete(k.owner, key)
			gone = append(gone, key)
		}
	}
	k.rehint(gone)
	if was.mac != [6]byte{} && (now == nil || was.macKey() != now.macKey()) {
		remove(k.objs.HfMacs, was.macKey())
	}
	if now == nil || was.routerKey() != now.routerKey() {
		remove(k.objs.HfRouters, was.routerKey())
	}
	if now == nil || was.link.index != now.link.index {
		errs = append(errs, k.leave(was.link.index, was.slot))
	}
	return errors.Join(errs...)
}

func (g guarded) macKey() kernelMac {
	return kernelMac{Ifindex: uint32(g.link.index), Mac: g.mac}
}

func (g guarded) routerKey() kernelRouter {
	return kernelRouter{Ifindex: uint32(g.link.index), Family: uint8(g.family), Vrid: g.vrid}
}

// recall reads from the maps what an earlier process guarded. What belongs to
// an interface that is gone by now is removed: a new one has another index.
func (k *kernel) recall() error {
	links, err := netlink.LinkList()
	if err != nil {
		return fmt.Errorf("cannot list interfaces: %w", err)
	}
	there := map[uint32]netlink.Link{}
	for _, l := range links {
		there[uint32(l.Attrs().Index)] = l
	}
	bySlot := map[uint32]*guarded{}
	var (
		router kernelRouter
		addr   kernelAddress
		mac    kernelMac
		slot   uint32
		value  kernelGuarded

		ownMACs []kernelMac
	)
	for it := k.objs.HfRouters.Iterate(); it.Next(&router, &slot); {
		g := &guarded{slot: engine.Slot(slot), routerID: routerID{family: vrrp.Family(router.Family), vrid: router.Vrid}}
		g.link.index = int(router.Ifindex)
		if l := there[router.Ifindex]; l != nil {
			g.ifname, g.link = l.Attrs().Name, linkOf(l)
		}
		bySlot[slot] = g
	}
	for it := k.objs.HfAddresses.Iterate(); it.Next(&addr, &value); {
		k.owner[addr] = engine.Slot(value.Slot)
		if g := bySlot[value.Slot]; g != nil {
			g.addrs = append(g.addrs, addr.addr())
		}
	}
	for it := k.objs.HfMacs.Iterate(); it.Next(&mac, &slot); {
		if slot == own {
			ownMACs = append(ownMACs, mac)
		} else if g := bySlot[slot]; g != nil {
			g.mac = mac.Mac
		}
	}
	for _, g := range bySlot {
		if g.ifname == "" {
			if err := k.forget(*g, nil); err != nil {
				return err
			}
			continue
		}
		k.taken = append(k.taken, *g)
		if k.links[g.link.index] == nil {
			k.links[g.link.index] = &user{slots: map[engine.Slot]bool{}}
		}
		k.links[g.link.index].slots[g.slot] = true
	}
	for _, m := range ownMACs {
		if u := k.links[int(m.Ifindex)]; u != nil {
			u.mac = m.Mac
		} else if err := k.forgetOwn(int(m.Ifindex), m.Mac); err != nil {
			return err
		}
	}
	var all []kernelAddress
	for key := range k.owner {
		all = append(all, key)
	}
	k.rehint(all)
	return nil
}

func (k *kernel) known() []guarded { return k.taken }

// hintBuckets is the size of struct hints.
const hintBuckets = len(kernelHints{}.Slot)

// many is MANY of bpf/maps.h: look into the hash table.
const many = ^uint32(0)

// bucket is what hint() of bpf/find.h looks at.
func bucket(key kernelAddress) uint32 { return key.Ip[3] * 2654435761 >> 16 }

// hint has the programs look for a key.
func (k *kernel) hint(key kernelAddress) { k.hints[bucket(key)].Store(many) }

// rehint works out the hints of keys anew. Each goes from one right value to
// another: MANY is never wrong, only slow.
func (k *kernel) rehint(keys []kernelAddress) {
	want := make(map[uint32]uint32, len(keys))
	for _, key := range keys {
		want[bucket(key)] = 0
	}
	for key, slot := range k.owner {
		b := bucket(key)
		switch hint, asked := want[b]; {
		case !asked:
		case hint == 0 && k.holds[slot].address == key:
			want[b] = uint32(slot) + 1
		default:
			want[b] = many
		}
	}
	for b, hint := range want {
		k.hints[b].Store(hint)
	}
}

// keysOf lists the keys that lead to a slot.
func (k *kernel) keysOf(s engine.Slot) (keys []kernelAddress) {
	for key, slot := range k.owner {
		if slot == s {
			keys = append(keys, key)
		}
	}
	return keys
}

// unhint lets no hint lead to a slot directly.
func (k *kernel) unhint(s engine.Slot) {
	for _, key := range k.keysOf(s) {
		k.hint(key)
	}
}

// inscribe writes into a slot's line by what most packets find it. No hint
// leads to the slot yet.
func (k *kernel) inscribe(g guarded) {
	h := &k.holds[g.slot]
	h.address, h.ifindex, h.mac = kernelAddress{}, 0, noVirtualMAC
	for _, a := range g.addrs {
		h.address = addressKey(a, g.link.index)
		if h.address.Scope == 0 {
			break // the others see little traffic
		}
	}
	if g.mac != [6]byte{} {
		h.ifindex, h.mac = uint32(g.link.index), g.mac
	}
}

// noVirtualMAC is none that a frame could have.
var noVirtualMAC = [6]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
