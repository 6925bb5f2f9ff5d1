package gate

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/vishvananda/netlink"

	"github.com/holdfast-net/holdfast/internal/engine"
)

// user is who needs the programs on an interface.
type user struct {
	mac   [6]byte // of the interface, as the programs know it
	slots map[engine.Slot]bool
}

// use attaches the programs to an interface for a slot. It looks every time:
// somebody may have taken them off.
func (k *kernel) use(l link, s engine.Slot) error {
	u := k.links[l.index]
	if u == nil {
		u = &user{slots: map[engine.Slot]bool{}}
		k.links[l.index] = u
	}
	u.slots[s] = true
	if l.ether && u.mac != l.mac {
		// Frames with it are not foreign.
		key := kernelMac{Ifindex: uint32(l.index), Mac: l.mac}
		err := k.objs.HfMacs.Update(key, own, ebpf.UpdateNoExist)
		if err != nil && !errors.Is(err, ebpf.ErrKeyExist) {
			return fmt.Errorf("MAC address: %w", err)
		}
		errs := k.forgetOwn(l.index, u.mac)
		u.mac = l.mac
		if errs != nil {
			return errs
		}
	}
	return k.attach(l)
}

// leave takes the programs off an interface that no slot needs them on.
func (k *kernel) leave(index int, s engine.Slot) error {
	u := k.links[index]
	if u == nil {
		return nil
	}
	delete(u.slots, s)
	if len(u.slots) > 0 {
		return nil
	}
	delete(k.links, index)
	errs := []error{k.forgetOwn(index, u.mac)}
	nl, err := netlink.LinkByIndex(index)
	if err != nil {
		return errors.Join(errs...) // it is gone, and the programs with it
	}
	found, err := findAttachedTo([]netlink.Link{nl}, k.programs)
	if err != nil {
		return errors.Join(append(errs, err)...)
	}
	return errors.Join(append(errs, found.with(k.holdsID).detach())...)
}

// forgetOwn removes the MAC of an interface, unless it is a guarded one.
func (k *kernel) forgetOwn(index int, mac [6]byte) error {
	key := kernelMac{Ifindex: uint32(index), Mac: mac}
	var slot uint32
	err := k.objs.HfMacs.Lookup(key, &slot)
	if err == nil && slot == own {
		err = k.objs.HfMacs.Delete(key)
	}
	if errors.Is(err, ebpf.ErrKeyNotExist) {
		err = nil
	}
	return err
}
