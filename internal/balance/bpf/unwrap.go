package bpf

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/cilium/ebpf"
	"github.com/vishvananda/netlink"
)

// Unwrapping is the backend's half of a tunnel.
type Unwrapping struct {
	// Dir is a folder of a BPF file system: the program stays when this process
	// ends, until Stop.
	Dir string
	// Interfaces are those that wrapped packets arrive on.
	Interfaces []string
	// Addresses are those of the services. Nothing else is unwrapped.
	Addresses []netip.Addr
}

func (u Unwrapping) pins() string { return filepath.Join(u.Dir, fmt.Sprintf("unwrap%d", layout)) }

// Start makes it so, whatever an earlier run has left.
func (u Unwrapping) Start() error {
	if err := u.start(); err != nil {
		return fmt.Errorf("cannot unwrap what comes through tunnels: %w", err)
	}
	return nil
}

func (u Unwrapping) start() error {
	if err := checkDir(u.Dir); err != nil {
		return err
	}
	if err := os.MkdirAll(u.pins(), 0o700); err != nil {
		return err
	}
	spec, err := loadKernel()
	if err != nil {
		return err
	}
	spec.Maps[kernelMapHfUnwrapped].Pinning = ebpf.PinByName
	var objs struct {
		Program   *ebpf.Program `ebpf:"holdfast_unwrap1"`
		Unwrapped *ebpf.Map     `ebpf:"hf_unwrapped"`
	}
	if err := spec.LoadAndAssign(&objs, &ebpf.CollectionOptions{Maps: ebpf.MapOptions{PinPath: u.pins()}}); err != nil {
		return err
	}
	defer objs.Program.Close()
	defer objs.Unwrapped.Close()
	if err := u.allow(objs.Unwrapped); err != nil {
		return err
	}
	h, err := chooseHook(Config{})
	if err != nil {
		return err
	}
	if _, ok := h.(tcx); ok {
		h = tcx{dir: u.pins()}
	}
	for _, name := range u.Interfaces {
		l, err := netlink.LinkByName(name)
		if err == nil {
			err = h.attach(l, objs.Program)
		}
		if err != nil {
			return fmt.Errorf("on %s: %w", name, err)
		}
	}
	return nil
}

func (u Unwrapping) allow(m *ebpf.Map) error {
	wanted := map[address]bool{}
	for _, a := range u.Addresses {
		wanted[a.As16()] = true
		if err := m.Put(a.As16(), uint32(1)); err != nil {
			return err
		}
	}
	var gone []address
	var k address
	var v uint32
	it := m.Iterate()
	for it.Next(&k, &v) {
		if !wanted[k] {
			gone = append(gone, k)
		}
	}
	errs := []error{it.Err()}
	for _, a := range gone {
		errs = append(errs, m.Delete(a))
	}
	return errors.Join(errs...)
}

// Stop takes it away.
func (u Unwrapping) Stop() error {
	var errs []error
	for _, name := range u.Interfaces {
		l, err := netlink.LinkByName(name)
		if err != nil {
			continue // gone, with all that was on it
		}
		errs = append(errs, tcx{dir: u.pins()}.detach(l), clsact{}.detach(l))
	}
	return errors.Join(append(errs, removeFolder(u.pins()))...)
}
