package bpf

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// warm has the kernel ask for the neighbours on the way to backends while it is
// not needed, so that no packet has to wait. One that cannot be asked for now is
// asked for when a packet goes there.
func (p *Plane) warm() error {
	p.mu.Lock()
	var backends []netip.Addr
	for _, s := range p.services {
		if s.plan == nil {
			continue // it could not be served yet
		}
		for _, t := range s.plan.Targets {
			backends = append(backends, t.Addr.Addr())
		}
	}
	p.mu.Unlock()
	type hop struct {
		link int
		to   netip.Addr
	}
	done := map[hop]bool{}
	var errs []error
	for _, a := range backends {
		routes, err := netlink.RouteGet(a.AsSlice())
		if err != nil || len(routes) == 0 {
			continue // the drops for want of a route say so
		}
		h := hop{routes[0].LinkIndex, a}
		if gw, ok := netip.AddrFromSlice(routes[0].Gw); ok {
			h.to = gw.Unmap()
		}
		if done[h] {
			continue
		}
		done[h] = true
		errs = append(errs, use(h.link, h.to))
	}
	return errors.Join(errs...)
}

// use is as if a packet went to a neighbour.
func use(link int, to netip.Addr) error {
	family := unix.AF_INET6
	if to.Is4() {
		family = unix.AF_INET
	}
	err := netlink.NeighSet(&netlink.Neigh{
		LinkIndex: link, Family: family, IP: net.IP(to.AsSlice()), Flags: unix.NTF_USE, State: unix.NUD_NONE,
	})
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENODEV) || errors.Is(err, unix.ENXIO) || errors.Is(err, unix.EPERM) {
		return nil // loopback, a tunnel, an interface that is going away
	}
	return err
}

// sourceTo is the address that this node has for packets to another one.
func sourceTo(a netip.Addr) (address, error) {
	routes, err := netlink.RouteGet(a.AsSlice())
	if err != nil {
		return address{}, fmt.Errorf("cannot find the way to %s: %w", a, err)
	}
	for _, r := range routes {
		if src, ok := netip.AddrFromSlice(r.Src); ok {
			return src.Unmap().As16(), nil
		}
	}
	return address{}, fmt.Errorf("there is no address to send to %s from", a)
}
