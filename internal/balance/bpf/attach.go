package bpf

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// hook is a place of the kernel where a program sees what arrives on an
// interface. Ours comes after the gate's, which drops what comes for an address
// that is not held.
type hook interface {
	// attach puts the program there, in the place of an older one.
	attach(l netlink.Link, p *ebpf.Program) error
	detach(l netlink.Link) error
	String() string
}

const loopback = 1 // the index that lo has in every network namespace

func chooseHook(c Config) (hook, error) {
	if !c.Clsact {
		_, err := link.QueryPrograms(link.QueryOptions{Target: loopback, Attach: ebpf.AttachTCXIngress})
		switch {
		case err == nil, errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENODEV):
			return tcx{dir: pins(c.Dir)}, nil
		case !errors.Is(err, unix.EINVAL) && !errors.Is(err, ebpf.ErrNotSupported):
			return nil, err
		}
	}
	return clsact{}, nil
}

func (xdp) String() string    { return "xdp" }
func (tcx) String() string    { return "tcx" }
func (clsact) String() string { return "clsact" }

// Remove takes away all that a plane has left in a folder, and the forwarding
// of its services with it. What is not there need not be.
func Remove(dir string) error {
	if _, err := os.Stat(pins(dir)); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err := errors.Join(detachOthers(dir, nil), removeFolder(pins(dir))); err != nil {
		return fmt.Errorf("cannot take the balancer out of the kernel: %w", err)
	}
	return nil
}

// Unhook takes the program of tc off all interfaces, and leaves all else that a
// plane has left in a folder: the next one goes on with it. Where no process is with
// a plane any more, only the gate keeps from it what comes for an address that is
// not held, so this is done before a gate is removed. XDP asks the holds itself, and
// some drivers take the link down for a moment when their program goes.
func Unhook(dir string) error {
	found, err := filepath.Glob(filepath.Join(pins(dir), "tcx-*"))
	if err != nil {
		return fmt.Errorf("cannot take the balancer off the interfaces: %w", err)
	}
	var errs []error
	for _, pin := range found {
		errs = append(errs, detachPinned(pin))
	}
	if _, err := os.Stat(pins(dir)); err == nil && len(found) == 0 { // a kernel that has no tcx
		links, err := netlink.LinkList()
		errs = append(errs, err)
		for _, l := range links {
			errs = append(errs, clsact{}.detach(l))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("cannot take the balancer off the interfaces: %w", err)
	}
	return nil
}

// detachOthers takes the program off where an earlier run has put it.
func detachOthers(dir string, wanted []string) error {
	links, err := netlink.LinkList()
	if err != nil {
		return fmt.Errorf("cannot list interfaces: %w", err)
	}
	keep := map[string]bool{}
	for _, name := range wanted {
		keep[name] = true
	}
	var errs []error
	for _, l := range links {
		if keep[l.Attrs().Name] {
			continue
		}
		for _, h := range []hook{xdp{pins(dir)}, tcx{pins(dir)}, clsact{}} {
			if err := h.detach(l); err != nil {
				errs = append(errs, fmt.Errorf("cannot detach the balancer from %s: %w", l.Attrs().Name, err))
			}
		}
	}
	return errors.Join(errs...)
}

// removeFolder removes what keeps maps and links alive.
func removeFolder(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	errs := []error{err}
	for _, e := range entries {
		errs = append(errs, os.Remove(filepath.Join(dir, e.Name())))
	}
	return errors.Join(append(errs, os.Remove(dir))...)
}

// tcx is the hook of Linux 6.6.
type tcx struct{ dir string }

// pin is named by the interface's index too: another one may get its name.
func (h tcx) pin(l netlink.Link) string {
	return filepath.Join(h.dir, fmt.Sprintf("tcx-%d", l.Attrs().Index))
}

func (h tcx) attach(l netlink.Link, p *ebpf.Program) error {
	return attachPinned(h.pin(l), p, func() (link.Link, error) {
		return link.AttachTCX(link.TCXOptions{Interface: l.Attrs().Index, Program: p, Attach: ebpf.AttachTCXIngress, Anchor: link.Tail()})
	})
}

func (h tcx) detach(l netlink.Link) error { return detachPinned(h.pin(l)) }

// clsact is the hook of older kernels: a classifier that decides by itself
// (direct action), on the qdisc of that name.
type clsact struct{}

// priority of our filter: the gate's has the first.
const priority = 2

func (clsact) attach(l netlink.Link, p *ebpf.Program) error {
	index := l.Attrs().Index
	err := netlink.QdiscAdd(&netlink.Clsact{QdiscAttrs: netlink.QdiscAttrs{
		LinkIndex: index, Handle: netlink.MakeHandle(0xffff, 0), Parent: netlink.HANDLE_CLSACT,
	}})
	if err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("cannot add qdisc clsact: %w", err)
	}
	return netlink.FilterReplace(&netlink.BpfFilter{
		FilterAttrs: netlink.FilterAttrs{
			LinkIndex: index, Parent: netlink.HANDLE_MIN_INGRESS, Priority: priority, Protocol: unix.ETH_P_ALL, Handle: 1,
		},
		Fd: p.FD(), Name: programName, DirectAction: true,
	})
}

func (clsact) detach(l netlink.Link) error {
	filters, err := netlink.FilterList(l, netlink.HANDLE_MIN_INGRESS)
	if err != nil {
		return nil // no such qdisc
	}
	var errs []error
	for _, f := range filters {
		if b, ok := f.(*netlink.BpfFilter); ok && strings.HasPrefix(b.Name, "holdfast_lb") {
			errs = append(errs, netlink.FilterDel(b))
		}
	}
	return errors.Join(errs...)
}

// learnMACs tells the programs what is sent to this machine: the MACs of the
// interfaces, which XDP does not know, and the virtual ones of macvlans above
// them, which the interface does not know yet when a program sees the frame.
func (p *Plane) learnMACs() error {
	links, err := netlink.LinkList()
	if err != nil {
		return fmt.Errorf("cannot list interfaces: %w", err)
	}
	ours := map[int]bool{}
	for _, l := range links {
		for _, name := range p.on {
			ours[l.Attrs().Index] = ours[l.Attrs().Index] || l.Attrs().Name == name
		}
	}
	wanted := map[virtualMAC]bool{}
	var errs []error
	for _, l := range links {
		a := l.Attrs()
		index, kind := a.Index, kindOwn
		if l.Type() == "macvlan" {
			index, kind = a.ParentIndex, kindVirtual
		}
		if !ours[index] || len(a.HardwareAddr) != 6 {
			continue
		}
		k := virtualMAC{Ifindex: uint32(index), MAC: [6]byte(a.HardwareAddr)}
		if wanted[k] && kind == kindVirtual {
			continue // it has the interface's own
		}
		wanted[k] = true
		errs = append(errs, p.objs.HfMacs.Put(k, kind))
	}
	var k virtualMAC
	var v uint32
	var gone []virtualMAC
	it := p.objs.HfMacs.Iterate()
	for it.Next(&k, &v) {
		if !wanted[k] {
			gone = append(gone, k)
		}
	}
	errs = append(errs, it.Err())
	for _, k := range gone {
		errs = append(errs, p.objs.HfMacs.Delete(k))
	}
	return errors.Join(errs...)
}
