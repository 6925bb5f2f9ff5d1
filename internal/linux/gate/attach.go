package gate

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"github.com/cilium/ebpf"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// layout is LAYOUT of bpf/gate.c.
const layout = 1

// direction is where a program looks.
type direction int

const (
	in direction = iota
	out
)

func (d direction) String() string { return [...]string{"ingress", "egress"}[d] }

// hook is a place of the kernel where programs see an interface's packets.
type hook interface {
	id() LineID
	// available says why this kernel does not have it.
	available() error
	// list finds the programs that bear a name of ours, on all interfaces.
	list(links []netlink.Link, ps *programs) ([]attachment, error)
	// attach puts a program before all others. There it stays, whoever ends.
	attach(index int, d direction, p *ebpf.Program, name string) error
	detach(attachment) error
	// tidy removes from an interface what attach made beside the program and
	// nobody uses any more.
	tidy(index int) error
}

// attachment is a program of holdfast, of whatever version, on an interface.
type attachment struct {
	program
	id     ebpf.ProgramID
	hook   hook
	link   link
	dir    direction
	filter *netlink.BpfFilter // clsact
}

// names of programs, as the macro NAME of bpf/gate.c makes them.
var names = regexp.MustCompile(`^holdfast(\d+)_(?:l3)?(in|out)$`)

// parseName says whether a program is one of holdfast.
func parseName(name string) (layout int, d direction, ok bool) {
	m := names.FindStringSubmatch(name)
	if m == nil {
		return 0, 0, false
	}
	layout, err := strconv.Atoi(m[1])
	if m[2] == "out" {
		d = out
	}
	return layout, d, err == nil
}

// mapNames are the names that the kernel has of maps, see loadPrograms.
var mapNames = regexp.MustCompile(`^hf(\d+)_(.+)$`)

// parseMapName says whether a map is one of holdfast, and its name in bpf/maps.h.
func parseMapName(name string) (layout int, inC string, ok bool) {
	m := mapNames.FindStringSubmatch(name)
	if m == nil {
		return 0, "", false
	}
	layout, err := strconv.Atoi(m[1])
	return layout, "hf_" + m[2], err == nil
}

// attachments are all that were found.
type attachments []attachment

func findAttached(ps *programs) (attachments, error) {
	links, err := netlink.LinkList()
	if err != nil {
		return nil, fmt.Errorf("cannot list interfaces: %w", err)
	}
	return findAttachedTo(links, ps)
}

func findAttachedTo(links []netlink.Link, ps *programs) (attachments, error) {
	var all attachments
	for _, h := range []hook{tcxHook{}, clsactHook{}} {
		if h.available() != nil {
			continue
		}
		found, err := h.list(links, ps)
		if err != nil {
			return nil, fmt.Errorf("cannot find programs on interfaces: %w", err)
		}
		all = append(all, found...)
	}
	return all, nil
}

// maps opens the maps of the first that has our layout. Nil: none has.
func (as attachments) maps() (map[string]*ebpf.Map, error) {
	maps := map[string]*ebpf.Map{}
	fail := func(err error) (map[string]*ebpf.Map, error) {
		return nil, errors.Join(fmt.Errorf("cannot take over the maps of an earlier run: %w", err), closeMaps(maps))
	}
	holds := ebpf.MapID(0)
	for _, a := range as {
		if l, _, _ := parseName(a.Name); l != layout || holds != 0 && !slices.Contains(a.Maps, holds) {
			continue
		}
		for _, id := range a.Maps {
			m, err := ebpf.NewMapFromID(id)
			if errors.Is(err, unix.EPERM) {
				return nil, closeMaps(maps) // Inherit is the way, without CAP_SYS_ADMIN
			}
			if err != nil {
				return fail(err)
			}
			info, err := m.Info()
			if err != nil {
				return fail(errors.Join(err, m.Close()))
			}
			l, name, ours := parseMapName(info.Name)
			if !ours || l != layout || maps[name] != nil {
				_ = m.Close() // not for us, or known from another program
				continue
			}
			maps[name] = m
			if name == kernelMapHfHolds {
				holds = id
			}
		}
	}
	if holds == 0 {
		return nil, closeMaps(maps)
	}
	return maps, nil
}

func closeMaps(maps map[string]*ebpf.Map) error {
	var errs []error
	for _, m := range maps {
		errs = append(errs, m.Close())
	}
	return errors.Join(errs...)
}

// with lists the attachments whose programs use a map.
func (as attachments) with(id ebpf.MapID) attachments {
	return slices.DeleteFunc(slices.Clone(as), func(a attachment) bool { return !slices.Contains(a.Maps, id) })
}

// strange lists the attachments of programs with another layout.
func (as attachments) strange() attachments {
	return slices.DeleteFunc(slices.Clone(as), func(a attachment) bool {
		l, _, ours := parseName(a.Name)
		return !ours || l == layout
	})
}

// attach makes the programs look at an interface.
func (k *kernel) attach(l link) error {
	nl, err := netlink.LinkByIndex(l.index)
	if err != nil {
		return err
	}
	found, err := findAttachedTo([]netlink.Link{nl}, k.programs)
	if err != nil {
		return err
	}
	for _, d := range []direction{in, out} {
		if err := k.attachOne(l, d, found); err != nil {
			return fmt.Errorf("cannot attach to the %s of the interface: %w", d, err)
		}
	}
	return nil
}

// attachOne makes sure that our program is there, and then removes others. Of
// those that use our maps both look in between, and say the same. Those of
// another layout know nothing of our holds: what we open they would keep
// closed.
func (k *kernel) attachOne(l link, d direction, found attachments) error {
	p, name := k.program(l, d)
	id := k.ids[p]
	there := func(a attachment) bool { return a.dir == d && a.hook == k.hook && a.id == id }
	if !slices.ContainsFunc(found, there) {
		if err := k.hook.attach(l.index, d, p, name); err != nil {
			return err
		}
	}
	for _, a := range append(found.with(k.holdsID), found.strange()...) {
		if a.dir == d && !there(a) {
			if err := errors.Join(a.hook.detach(a), a.hook.tidy(l.index)); err != nil {
				return err
			}
		}
	}
	return nil
}

// program is the one for an interface.
func (k *kernel) program(l link, d direction) (*ebpf.Program, string) {
	switch {
	case l.ether && d == in:
		return k.objs.Holdfast1In, kernelProgHoldfast1In
	case l.ether:
		return k.objs.Holdfast1Out, kernelProgHoldfast1Out
	case d == in:
		return k.objs.Holdfast1L3in, kernelProgHoldfast1L3in
	default:
		return k.objs.Holdfast1L3out, kernelProgHoldfast1L3out
	}
}
