package lab

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// prepareHost runs in a new host's namespace. Duplicate address detection
// would keep every IPv6 address silent for its first second, in a LAN where
// the lab itself hands out the addresses.
func prepareHost() error {
	for _, key := range []string{
		"ipv6/conf/default/accept_dad=0",
		"ipv6/conf/default/dad_transmits=0",
		"ipv6/conf/default/accept_ra=0",
	} {
		if err := sysctl(key); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	return netlink.LinkSetUp(lo)
}

// plug lays the cable between the host's eth0 and its port on the switch.
func (h *Host) plug() error {
	cable := netlink.NewVeth(netlink.LinkAttrs{Name: h.cfg.Name, MasterIndex: h.lan.bridge.Attrs().Index})
	cable.PeerName = Interface
	cable.PeerHardwareAddr = h.cfg.MAC
	cable.PeerNamespace = netlink.NsFd(h.ns.Handle())
	if err := h.lan.nl.LinkAdd(cable); err != nil {
		return fmt.Errorf("cannot add a veth pair: %w", err)
	}
	if err := h.lan.setPort(h.cfg.Name, up); err != nil {
		return err
	}
	if err := h.ns.Do(func() error { return raise(h.cfg.Addresses) }); err != nil {
		return err
	}
	return h.settle()
}

// settle waits until frames pass the cable in both directions.
func (h *Host) settle() error {
	err := h.ns.Do(func() error {
		return operUp(Interface, netlink.LinkByName)
	})
	if err == nil {
		err = operUp(h.cfg.Name, h.lan.nl.LinkByName)
	}
	if err != nil {
		return err
	}
	// The kernel says up a moment before it is done, under the lock that
	// every change to a link takes. One more change waits for that.
	return h.lan.setPort(h.cfg.Name, up)
}

// operUp polls until an interface is operational, for at most two seconds.
func operUp(name string, find func(string) (netlink.Link, error)) error {
	for deadline := time.Now().Add(2 * time.Second); ; time.Sleep(time.Millisecond) {
		link, err := find(name)
		if err != nil {
			return fmt.Errorf("cannot find %s: %w", name, err)
		}
		if link.Attrs().OperState == netlink.OperUp {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("cannot wait any longer for %s: it is %v", name, link.Attrs().OperState)
		}
	}
}

// raise runs in a host: it puts the addresses on eth0.
func raise(addresses []netip.Prefix) error {
	eth0, err := netlink.LinkByName(Interface)
	if err != nil {
		return err
	}
	if err := netlink.LinkSetUp(eth0); err != nil {
		return fmt.Errorf("cannot set %s up: %w", Interface, err)
	}
	for _, a := range addresses {
		addr := &netlink.Addr{IPNet: ipNet(a), Flags: unix.IFA_F_NODAD}
		if a.Addr().Is4() {
			addr.Flags = 0
		}
		if err := netlink.AddrAdd(eth0, addr); err != nil {
			return fmt.Errorf("cannot add %s to %s: %w", a, Interface, err)
		}
	}
	return nil
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

// portState is administratively up or down.
type portState uint8

const (
	down portState = iota
	up
)

// setPort sets a port of the switch up or down. Down, the host at the other
// end of the cable sees its carrier go.
func (l *LAN) setPort(name string, to portState) error {
	port, err := l.nl.LinkByName(name)
	if err != nil {
		return fmt.Errorf("cannot find port %s of the switch: %w", name, err)
	}
	if to == up {
		err = l.nl.LinkSetUp(port)
	} else {
		err = l.nl.LinkSetDown(port)
	}
	if err != nil {
		return fmt.Errorf("cannot switch port %s: %w", name, err)
	}
	return nil
}

// removePort takes a cable away, with the host's eth0 at its other end. It is
// no error when there is none.
func (l *LAN) removePort(name string) error {
	port, err := l.nl.LinkByName(name)
	if errors.As(err, new(netlink.LinkNotFoundError)) {
		return nil
	}
	if err == nil {
		err = l.nl.LinkDel(port)
	}
	if err != nil {
		return fmt.Errorf("cannot remove port %s of the switch: %w", name, err)
	}
	return nil
}

// RemoveInterface takes the host's eth0 away, as a driver's reload or a
// hypervisor's unplugging does. Its addresses and what was built on it go
// with it.
func (h *Host) RemoveInterface() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.lan.removePort(h.cfg.Name)
}

// AddInterface gives the host a new eth0 with its configured MAC and
// addresses, after RemoveInterface.
func (h *Host) AddInterface() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ns == nil {
		return fmt.Errorf("cannot add an interface to host %s: %w", h.cfg.Name, errOff)
	}
	return h.plug()
}
