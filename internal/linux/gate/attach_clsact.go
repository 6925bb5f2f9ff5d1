package gate

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// clsactHook is the hook of older kernels: a classifier that decides by itself
// (direct action), on the qdisc clsact.
type clsactHook struct{}

func (clsactHook) id() LineID { return Clsact }

// available: whether a kernel has it is seen when a program is attached.
func (clsactHook) available() error { return nil }

var clsactParents = [...]uint32{in: netlink.HANDLE_MIN_INGRESS, out: netlink.HANDLE_MIN_EGRESS}

// priority of our filters: before all others, of which one could let a packet
// pass before we saw it.
const priority = 1

func (h clsactHook) list(links []netlink.Link, ps *programs) ([]attachment, error) {
	if len(links) > 1 {
		var err error
		if links, err = withClsact(links); err != nil {
			return nil, err
		}
	}
	var found []attachment
	for _, l := range links {
		for d, parent := range clsactParents {
			filters, err := netlink.FilterList(l, parent)
			if err != nil {
				return nil, fmt.Errorf("cannot list filters: %w", err)
			}
			for _, f := range filters {
				b, ok := f.(*netlink.BpfFilter)
				if !ok {
					continue
				}
				// Here the kernel tells the name to everybody.
				if _, _, ours := parseName(b.Name); !ours {
					continue
				}
				what, known, err := ps.look(ebpf.ProgramID(b.Id))
				if err != nil {
					return nil, err
				}
				if !known {
					what.Name = b.Name
				}
				found = append(found, attachment{hook: h, link: linkOf(l), dir: direction(d), id: ebpf.ProgramID(b.Id), program: what, filter: b})
			}
		}
	}
	return found, nil
}

// withClsact gives those of the links that have the qdisc. To list all qdiscs is
// cheaper than to ask each of many links for filters, but not than to ask one.
func withClsact(links []netlink.Link) ([]netlink.Link, error) {
	qdiscs, err := netlink.QdiscList(nil)
	if err != nil {
		return nil, fmt.Errorf("cannot list qdiscs: %w", err)
	}
	has := map[int]bool{}
	for _, q := range qdiscs {
		if q.Type() == "clsact" {
			has[q.Attrs().LinkIndex] = true
		}
	}
	var some []netlink.Link
	for _, l := range links {
		if has[l.Attrs().Index] {
			some = append(some, l)
		}
	}
	return some, nil
}

func (clsactHook) attach(index int, d direction, p *ebpf.Program, name string) error {
	err := netlink.QdiscAdd(&netlink.Clsact{QdiscAttrs: netlink.QdiscAttrs{
		LinkIndex: index, Handle: netlink.MakeHandle(0xffff, 0), Parent: netlink.HANDLE_CLSACT,
	}})
	if err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("cannot add qdisc clsact: %w", err)
	}
	f := &netlink.BpfFilter{
		FilterAttrs: netlink.FilterAttrs{
			LinkIndex: index, Parent: clsactParents[d], Priority: priority, Protocol: unix.ETH_P_ALL,
		},
		Fd: p.FD(), Name: name, DirectAction: true,
	}
	err = netlink.FilterAdd(f)
	if err != nil {
		return fmt.Errorf("cannot add a filter: %w", err)
	}
	return nil
}

func (clsactHook) detach(a attachment) error {
	err := netlink.FilterDel(a.filter)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENODEV) || errors.Is(err, unix.EINVAL) && gone(a.link.index) {
		return nil
	}
	return err
}

// gone says whether an interface is.
func gone(index int) bool {
	_, err := netlink.LinkByIndex(index)
	return err != nil
}

// tidy removes the qdisc when nobody has a filter there. One that somebody
// else had made just in case does no harm to miss either: adding it again is
// what makes a filter possible.
func (clsactHook) tidy(index int) error {
	l, err := netlink.LinkByIndex(index)
	if err != nil {
		return nil // gone, with all that was on it
	}
	qdiscs, err := netlink.QdiscList(l)
	if err != nil {
		return fmt.Errorf("cannot list qdiscs: %w", err)
	}
	for _, q := range qdiscs {
		if q.Type() != "clsact" {
			continue
		}
		for _, parent := range clsactParents {
			filters, err := netlink.FilterList(l, parent)
			if err != nil || len(filters) > 0 {
				return err
			}
		}
		if err := netlink.QdiscDel(q); err != nil && !errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("cannot remove qdisc clsact: %w", err)
		}
	}
	return nil
}
