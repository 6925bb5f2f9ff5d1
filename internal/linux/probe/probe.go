package probe

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/linux/rtnl"
	"github.com/holdfast-net/holdfast/internal/linux/sysctl"
)

// Target is an address that is on, on a macvlan.
type Target struct {
	Ifname  string       // the interface below
	Parent  int          // its index
	Macvlan int          // the index of the macvlan
	MAC     [6]byte      // the virtual MAC
	Address netip.Prefix // with the length of its subnet
}

// Findings are what was seen.
type Findings struct {
	// Asked says that the kernel asked for a neighbour. It stays false in
	// a subnet that has no room for one.
	Asked bool
	// Wrong is what is not as it should be, in words for a person. None:
	// the virtual MAC is kept, as far as could be seen.
	Wrong []string
}

// The time a run takes.
const (
	window   = 300 * time.Millisecond // how long a question is waited for
	attempts = 2
)

// Verify makes the kernel ask a neighbour and looks at the wire, for about half
// a second at most. The error is about the looking; an address that is no
// longer on, or an interface that is down or gone, is not an error.
func Verify(ctx context.Context, t Target) (Findings, error) {
	var f Findings
	tap, err := listen(t.Parent)
	if gone(err) {
		return f, nil
	}
	if err != nil {
		return f, err
	}
	defer tap.close()
	seen := map[string]bool{}
	for range attempts {
		neighbour, ok := stranger(t.Address)
		if !ok {
			return f, nil
		}
		if err := provoke(t.Address.Addr(), neighbour); err != nil {
			if gone(err) || errors.Is(err, unix.EPERM) {
				return f, nil // it has moved on, or is quiet
			}
			return f, fmt.Errorf("cannot send from %s: %w", t.Address.Addr(), err)
		}
		for end := time.Now().Add(window); time.Now().Before(end) && !f.Asked; {
			if ctx.Err() != nil {
				return f, nil
			}
			m, ok := tap.next()
			if !ok {
				continue
			}
			f.Asked = f.Asked || m.question && m.target == neighbour
			if text := m.wrong(t); text != "" && !seen[text] {
				seen[text] = true
				f.Wrong = append(f.Wrong, text)
			}
		}
		if f.Asked {
			break
		}
	}
	return f, nil
}

// wrong says what a message tells the network that it should not.
func (m message) wrong(t Target) string {
	if m.sender != t.Address.Addr() || m.mac == t.MAC && m.from == t.MAC {
		return ""
	}
	mac := m.mac
	if mac == t.MAC {
		mac = m.from
	}
	does := "answers"
	if m.question {
		does = "asks its neighbours"
	}
	return fmt.Sprintf("the node %s for %s with the MAC %s instead of %s",
		does, t.Address.Addr(), net.HardwareAddr(mac[:]), net.HardwareAddr(t.MAC[:]))
}

// Settings reads what decides who answers to ARP, and says what is not as it
// should be. Neighbour discovery has no such settings.
func Settings(t Target) (wrong []string, err error) {
	if !t.Address.Addr().Is4() {
		return nil, nil
	}
	c, err := rtnl.Dial()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	all := sysctl.ReadAll()
	below, err := sysctl.Get(c, t.Parent)
	own, err2 := sysctl.Get(c, t.Macvlan)
	if gone(err) || gone(err2) {
		return nil, nil
	}
	if err = errors.Join(err, err2); err != nil {
		return nil, err
	}
	if max(all.ARPIgnore, below[sysctl.ARPIgnore]) == 0 {
		wrong = append(wrong, fmt.Sprintf("net.ipv4.conf.%s.arp_ignore was set back to 0: the node answers for %s with its own MAC too", t.Ifname, t.Address.Addr()))
	}
	if n := max(all.ARPAnnounce, below[sysctl.ARPAnnounce]); n < 2 {
		wrong = append(wrong, fmt.Sprintf("net.ipv4.conf.%s.arp_announce was set back to %d: the node may ask its neighbours for %s with its own MAC", t.Ifname, n, t.Address.Addr()))
	}
	if n := max(all.ARPIgnore, own[sysctl.ARPIgnore]); n > 2 {
		wrong = append(wrong, fmt.Sprintf("net.ipv4.conf.all.arp_ignore is %d: nobody answers for %s", n, t.Address.Addr()))
	}
	if max(all.ARPFilter, own[sysctl.ARPFilter]) != 0 {
		wrong = append(wrong, fmt.Sprintf("arp_filter is on: nobody answers for %s", t.Address.Addr()))
	}
	return wrong, nil
}

// gone says whether there is nothing left to look at.
func gone(err error) bool {
	for _, no := range []error{unix.EADDRNOTAVAIL, unix.ENODEV, unix.ENXIO, unix.ENETDOWN, unix.ENETUNREACH} {
		if errors.Is(err, no) {
			return true
		}
	}
	return false
}

// stranger picks an address of the subnet that the node hardly knows.
func stranger(p netip.Prefix) (netip.Addr, bool) {
	host := p.Addr().BitLen() - p.Bits()
	if host < 3 {
		return netip.Addr{}, false
	}
	b := p.Masked().Addr().AsSlice()
	for range 10 {
		c := append([]byte(nil), b...)
		ones, zeros := true, true
		for bit := range min(host, 32) {
			if rand.IntN(2) == 1 {
				c[len(c)-1-bit/8] |= 1 << (bit % 8)
				zeros = false
			} else {
				ones = false
			}
		}
		if a, ok := netip.AddrFromSlice(c); ok && !ones && !zeros && a != p.Addr() {
			return a, true
		}
	}
	return netip.Addr{}, false
}

// provoke sends a datagram that no router will carry further.
func provoke(src, dst netip.Addr) error {
	domain, level, option := unix.AF_INET, unix.IPPROTO_IP, unix.IP_TTL
	if src.Is6() {
		domain, level, option = unix.AF_INET6, unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS
	}
	fd, err := unix.Socket(domain, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := unix.SetsockoptInt(fd, level, option, 1); err != nil {
		return err
	}
	if err := unix.Bind(fd, sockaddr(src, 0)); err != nil {
		return err
	}
	const discard = 9 // RFC 863
	return unix.Sendto(fd, []byte{0}, unix.MSG_DONTWAIT, sockaddr(dst, discard))
}

func sockaddr(a netip.Addr, port int) unix.Sockaddr {
	if a.Is4() {
		return &unix.SockaddrInet4{Addr: a.As4(), Port: port}
	}
	return &unix.SockaddrInet6{Addr: a.As16(), Port: port}
}
