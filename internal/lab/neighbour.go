package lab

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/vishvananda/netlink"
	vnetns "github.com/vishvananda/netns"
)

// Neighbour is what a client's neighbour table says about an address from an
// instant on.
type Neighbour struct {
	At  time.Time
	MAC net.HardwareAddr // nil: none known
}

// watchNeighbour notes every change of the MAC that the client has for the
// probed address.
func (p *Prober) watchNeighbour() error {
	ns := p.cfg.From.NS()
	if ns == nil {
		return errOff
	}
	news := make(chan netlink.NeighUpdate, 64)
	if err := netlink.NeighSubscribeAt(vnetns.NsHandle(ns.Handle()), news, p.stopped); err != nil {
		return fmt.Errorf("cannot watch the neighbour table: %w", err)
	}
	mac, err := p.cfg.From.Neighbour(p.cfg.To.Addr())
	if err != nil {
		return err
	}
	if mac != nil {
		p.noteMAC(mac)
	}
	go func() {
		for n := range news {
			if ip, ok := netip.AddrFromSlice(n.IP); !ok || ip.Unmap() != p.cfg.To.Addr().Unmap() {
				continue
			}
			p.noteMAC(usable(n.Neigh))
		}
	}()
	return nil
}

func (p *Prober) noteMAC(mac net.HardwareAddr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.macs); n > 0 && bytes.Equal(p.macs[n-1].MAC, mac) || n == 0 && mac == nil {
		return
	}
	p.macs = append(p.macs, Neighbour{At: time.Now(), MAC: mac})
}

// Neighbour is the MAC that the host's neighbour table has for an address,
// nil when it has none that it would use.
func (h *Host) Neighbour(addr netip.Addr) (net.HardwareAddr, error) {
	var mac net.HardwareAddr
	err := h.Do(func() error {
		link, err := netlink.LinkByName(Interface)
		if err != nil {
			return err
		}
		family := netlink.FAMILY_V4
		if addr.Is6() {
			family = netlink.FAMILY_V6
		}
		all, err := netlink.NeighList(link.Attrs().Index, family)
		for _, n := range all {
			if ip, ok := netip.AddrFromSlice(n.IP); ok && ip.Unmap() == addr.Unmap() {
				mac = usable(n)
			}
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read the neighbour table of host %s: %w", h.cfg.Name, err)
	}
	return mac, nil
}

// usable is the MAC of an entry that the kernel would send to.
func usable(n netlink.Neigh) net.HardwareAddr {
	if n.State&(netlink.NUD_INCOMPLETE|netlink.NUD_FAILED|netlink.NUD_NONE) != 0 || len(n.HardwareAddr) == 0 {
		return nil
	}
	return n.HardwareAddr
}
