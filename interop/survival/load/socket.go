package load

import (
	"net/netip"

	"golang.org/x/sys/unix"
)

// socket is one for TCP that never blocks.
func socket(family netip.Addr) (int, error) {
	af := unix.AF_INET
	if family.Is6() {
		af = unix.AF_INET6
	}
	return unix.Socket(af, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
}

// sockaddrOf is an address with whichever port is free.
func sockaddrOf(a netip.Addr) unix.Sockaddr { return sockaddr(netip.AddrPortFrom(a, 0)) }

// from is the client's end of a connection, as far as it has one.
func (k *conn) from() netip.AddrPort {
	switch a, _ := unix.Getsockname(k.fd); a := a.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(a.Addr), uint16(a.Port))
	}
	return netip.AddrPort{}
}

// Descriptors lets this process open as many sockets as it may.
func Descriptors() error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil || limit.Cur == limit.Max {
		return err
	}
	limit.Cur = limit.Max
	return unix.Setrlimit(unix.RLIMIT_NOFILE, &limit)
}
