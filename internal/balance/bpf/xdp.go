package bpf

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// xdp is the hook in the driver. There is one place for a program on an
// interface; whoever has it keeps it.
type xdp struct{ dir string }

func (h xdp) pin(l netlink.Link) string {
	return filepath.Join(h.dir, fmt.Sprintf("xdp-%d", l.Attrs().Index))
}

func (h xdp) attach(l netlink.Link, p *ebpf.Program) error {
	err := attachPinned(h.pin(l), p, func() (link.Link, error) {
		// Never the generic one, which is slower than tc.
		return link.AttachXDP(link.XDPOptions{Program: p, Interface: l.Attrs().Index, Flags: link.XDPDriverMode})
	})
	switch {
	case errors.Is(err, unix.EBUSY):
		return fmt.Errorf("another program has its place%s: %w", nameOf(l), err)
	case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.EINVAL), errors.Is(err, unix.ERANGE):
		return fmt.Errorf("the driver refuses: it has no native XDP, or none with the offloads (LRO), queues or MTU that are set: %w", err)
	}
	return err
}

func (h xdp) detach(l netlink.Link) error { return detachPinned(h.pin(l)) }

// nameOf is what the kernel calls the program that is there.
func nameOf(l netlink.Link) string {
	fresh, err := netlink.LinkByIndex(l.Attrs().Index)
	if err != nil || fresh.Attrs().Xdp == nil || fresh.Attrs().Xdp.ProgId == 0 {
		return ""
	}
	id := ebpf.ProgramID(fresh.Attrs().Xdp.ProgId)
	there, err := ebpf.NewProgramFromID(id)
	if err != nil {
		return fmt.Sprintf(" (number %d)", id)
	}
	defer there.Close()
	info, err := there.Info()
	if err != nil {
		return fmt.Sprintf(" (number %d)", id)
	}
	return fmt.Sprintf(" (%s, number %d)", info.Name, id)
}

// attachPinned puts a program in the place of the one that a pinned link has,
// or makes that link.
func attachPinned(pin string, p *ebpf.Program, attach func() (link.Link, error)) error {
	old, err := link.LoadPinnedLink(pin, nil)
	if err == nil {
		defer old.Close()
		if same, err := has(old, p); same || err != nil {
			return err // else every look would be news of the link
		}
		if err = old.Update(p); err == nil { // no packet meets neither
			return nil
		}
		if !errors.Is(err, unix.ENOLINK) { // the interface it was on is gone
			return err
		}
		if err := old.Unpin(); err != nil {
			return err
		}
	} else if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	made, err := attach()
	if err != nil {
		return err
	}
	defer made.Close()
	return made.Pin(pin)
}

// has says whether a link is there, with this program.
func has(l link.Link, p *ebpf.Program) (bool, error) {
	there, err := l.Info()
	if err != nil {
		return false, err
	}
	ours, err := p.Info()
	if err != nil {
		return false, err
	}
	id, _ := ours.ID()
	on := 0
	if x := there.XDP(); x != nil {
		on = int(x.Ifindex)
	} else if x := there.TCX(); x != nil {
		on = int(x.Ifindex)
	}
	return there.Program == id && on != 0, nil
}

func detachPinned(pin string) error {
	old, err := link.LoadPinnedLink(pin, nil)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	// The file alone would keep it there for as long as the kernel takes to let go
	// of a file. Before Linux 5.9 there is no other way.
	if err = old.Detach(); errors.Is(err, ebpf.ErrNotSupported) {
		err = nil
	}
	return errors.Join(err, old.Unpin(), old.Close())
}
