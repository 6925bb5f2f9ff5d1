package probe

import (
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// sockaddr is an address as the kernel has it.
func sockaddr(to netip.AddrPort) unix.Sockaddr {
	a := to.Addr().Unmap()
	if a.Is4() {
		return &unix.SockaddrInet4{Addr: a.As4(), Port: int(to.Port())}
	}
	sa := &unix.SockaddrInet6{Addr: a.As16(), Port: int(to.Port())}
	if a.Zone() == "" {
		return sa
	}
	// A zone that is gone leaves 0, which connect(2) refuses for the addresses
	// that need one.
	if i, err := net.InterfaceByName(a.Zone()); err == nil {
		sa.ZoneId = uint32(i.Index)
	}
	return sa
}
