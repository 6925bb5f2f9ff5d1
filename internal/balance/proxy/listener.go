package proxy

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/balance"
)

// listener accepts for one loop at one address of a service.
type listener struct {
	loop    *loop
	service *service
	fd      int32
	entry   uint32
	at      netip.AddrPort
	paused  bool // there are no descriptors left
}

const backlog = 4096

// open makes a socket at an address of a service. The address need not be on
// this node yet.
func open(at balance.Endpoint) (int32, error) {
	kind := unix.SOCK_STREAM
	if at.Proto == balance.UDP {
		kind = unix.SOCK_DGRAM
	}
	fd, err := unix.Socket(family(at.Addr()), kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("cannot make a socket for %s: %w", at, err)
	}
	bound := false
	defer func() {
		if !bound {
			_ = unix.Close(fd)
		}
	}()
	options := [][3]int{{unix.SOL_SOCKET, unix.SO_REUSEADDR, 1}, {unix.SOL_SOCKET, unix.SO_REUSEPORT, 1}}
	if at.Addr().Is4() {
		options = append(options, [3]int{unix.IPPROTO_IP, unix.IP_FREEBIND, 1})
	} else {
		options = append(options, [3]int{unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1}, [3]int{unix.IPPROTO_IPV6, unix.IPV6_FREEBIND, 1})
	}
	if at.Proto == balance.TCP {
		// Accepted sockets inherit them.
		options = append(options, [3]int{unix.IPPROTO_TCP, unix.TCP_NODELAY, 1}, [3]int{unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1})
	}
	for _, o := range options {
		if err := unix.SetsockoptInt(fd, o[0], o[1], o[2]); err != nil {
			return -1, fmt.Errorf("cannot set up a socket for %s: %w", at, err)
		}
	}
	if err := unix.Bind(fd, socketAddress(at.AddrPort)); err != nil {
		return -1, fmt.Errorf("cannot listen at %s: %w", at, err)
	}
	if at.Proto == balance.TCP {
		if err := unix.Listen(fd, backlog); err != nil {
			return -1, fmt.Errorf("cannot listen at %s: %w", at, err)
		}
	}
	bound = true
	return int32(fd), nil
}

func socketAddress(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
}

func (l *loop) listen(s *service, fd int32, at netip.AddrPort) {
	x := &listener{loop: l, service: s, fd: fd, at: at}
	x.entry = l.enter(entry{listener: x})
	l.listeners[s] = append(l.listeners[s], x)
	x.resume()
}

func (x *listener) resume() {
	if x.loop.watch(x.fd, x.entry, 0, unix.EPOLLIN) != nil {
		x.pause()
	}
}

// accept takes what has come in.
func (x *listener) accept() {
	l := x.loop
	for range acceptBudget {
		fd, err := accept(x.fd, &l.from)
		switch err {
		case 0:
			l.begin(x.service, fd, l.from.addrPort(), x.at)
		case unix.ECONNABORTED, unix.EINTR:
		case unix.EMFILE, unix.ENFILE, unix.ENOBUFS, unix.ENOMEM:
			// What came in stays in the kernel's queue until some
			// connection has ended; to ask at once would only spin.
			_ = unix.EpollCtl(int(l.epoll), unix.EPOLL_CTL_DEL, int(x.fd), nil)
			x.pause()
			return
		default:
			return
		}
	}
}

func (x *listener) pause() {
	if !x.paused {
		x.paused = true
		x.loop.paused++
	}
}

// close takes what has come in already, and nothing after it.
func (x *listener) close() {
	for range backlog {
		fd, err := accept(x.fd, &x.loop.from)
		if err != 0 {
			break
		}
		x.loop.begin(x.service, fd, x.loop.from.addrPort(), x.at)
	}
	if x.paused {
		x.loop.paused--
	}
	closeFd(x.fd)
	x.loop.leave(x.entry)
}
