package wire

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/vrrp"
)

// socket is one socket of a port.
type socket struct {
	fd     int
	slot   int32 // place in Wire.socks; not for packet sockets
	port   *port
	kind   engine.Kind
	family vrrp.Family
	chain  chain // what Send has for it

	dropped uint64 // packets, for want of room, when it was asked last

	unwatched bool // it only sends, and is not in the epoll
}

func newSocket(fd int, kind engine.Kind, family vrrp.Family) *socket {
	return &socket{fd: fd, kind: kind, family: family, chain: noChain}
}

const (
	// tos is DSCP CS6, network control, in the old TOS byte and the IPv6
	// traffic class.
	tos = 0xc0
	// hops is the TTL and hop limit of everything, RFC 9568 §5.1.1.3: who
	// hears another one knows that a router forwarded the packet.
	hops = 255
	// priority is the queueing class (and the 802.1p one, where a VLAN maps
	// it) that goes with CS6: adverts overtake what else is queued.
	priority = 6

	// Room for what arrives and leaves while the loop is busy elsewhere. The
	// kernel charges about a kilobyte for a small packet.
	receiveBuffer = 2 << 20
	sendBuffer    = 1 << 20
)

// option is one integer socket option.
type option struct{ level, name, value int }

func (s *socket) set(options ...option) error {
	for _, o := range options {
		if err := unix.SetsockoptInt(s.fd, o.level, o.name, o.value); err != nil {
			return fmt.Errorf("cannot set socket option %d/%d: %w", o.level, o.name, err)
		}
	}
	return nil
}

// buffers sizes the socket's buffers, beyond the system's limit where
// CAP_NET_ADMIN allows that.
func (s *socket) buffers(receive, send int) {
	if s.set(option{unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receive}) != nil {
		_ = s.set(option{unix.SOL_SOCKET, unix.SO_RCVBUF, receive})
	}
	if s.set(option{unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, send}) != nil {
		_ = s.set(option{unix.SOL_SOCKET, unix.SO_SNDBUF, send})
	}
}

// openPacket opens the socket for frames. Protocol 0: it receives nothing,
// and so survives the interface going down.
func openPacket(index int) (*socket, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot open packet socket: %w", err)
	}
	s := newSocket(fd, engine.Frame, 0)
	s.buffers(0, sendBuffer)
	err = s.set(option{unix.SOL_SOCKET, unix.SO_PRIORITY, priority})
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: index})
	}
	return s.orClose(err)
}

// openRaw opens the socket for adverts.
func openRaw(ifname string, index int, family vrrp.Family) (*socket, error) {
	fd, err := unix.Socket(domain(family), unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, vrrp.Protocol)
	if err != nil {
		return nil, fmt.Errorf("cannot open raw socket: %w", err)
	}
	s := newSocket(fd, engine.Advert, family)
	// The socket hears every interface from its first moment on. Until it is
	// bound to the right one it drops everything.
	err = s.filter(dropAll)
	if err == nil {
		err = s.bindToDevice(ifname)
	}
	if err == nil {
		err = s.ipOptions(index)
	}
	if err == nil {
		err = s.join(index)
	}
	s.buffers(receiveBuffer, sendBuffer)
	if err == nil {
		s.drain()
		err = s.filter(advertFilter(family))
	}
	return s.orClose(err)
}

// openUDP opens the socket for messages.
func openUDP(ifname string, index int, family vrrp.Family) (*socket, error) {
	fd, err := unix.Socket(domain(family), unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot open UDP socket: %w", err)
	}
	s := newSocket(fd, engine.Message, family)
	err = s.bindToDevice(ifname)
	if err == nil {
		// A process that takes over from another one of the same user opens
		// its sockets before that one ends. Both get what is multicast.
		err = s.set(option{unix.SOL_SOCKET, unix.SO_REUSEPORT, 1})
	}
	if err == nil {
		err = s.ipOptions(index)
	}
	if err == nil {
		err = s.join(index)
	}
	s.buffers(receiveBuffer/4, sendBuffer)
	if err == nil {
		var any unix.Sockaddr = &unix.SockaddrInet4{Port: engine.MessagePort}
		if family == vrrp.IPv6 {
			any = &unix.SockaddrInet6{Port: engine.MessagePort}
		}
		if err = unix.Bind(fd, any); err != nil {
			err = fmt.Errorf("cannot bind to UDP port %d: %w", engine.MessagePort, err)
		}
	}
	return s.orClose(err)
}

func (s *socket) bindToDevice(ifname string) error {
	if err := unix.BindToDevice(s.fd, ifname); err != nil {
		return fmt.Errorf("cannot bind to device: %w", err)
	}
	return nil
}

// ipOptions asks for the TTL and addresses of what arrives and sets those of
// what leaves.
func (s *socket) ipOptions(index int) error {
	if s.family == vrrp.IPv6 {
		options := []option{
			{unix.IPPROTO_IPV6, unix.IPV6_RECVHOPLIMIT, 1},
			{unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1},
			{unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS, hops},
			{unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_HOPS, hops},
			{unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_LOOP, 0},
			{unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_IF, index},
			{unix.IPPROTO_IPV6, unix.IPV6_TCLASS, tos},
			{unix.SOL_SOCKET, unix.SO_PRIORITY, priority},
		}
		if s.kind != engine.Advert {
			options = append([]option{{unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1}}, options...)
		}
		// Else it also hears groups that others on this machine joined. Since
		// Linux 4.20; without it the filter sorts them out.
		_ = s.set(option{unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_ALL, 0})
		return s.set(options...)
	}
	err := s.set(
		option{unix.IPPROTO_IP, unix.IP_TTL, hops},
		option{unix.IPPROTO_IP, unix.IP_MULTICAST_TTL, hops},
		option{unix.IPPROTO_IP, unix.IP_MULTICAST_LOOP, 0},
		option{unix.IPPROTO_IP, unix.IP_MULTICAST_ALL, 0},
		option{unix.IPPROTO_IP, unix.IP_TOS, tos},
		option{unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_DONT}, // DF clear
		option{unix.SOL_SOCKET, unix.SO_PRIORITY, priority},                  // after IP_TOS, which sets it too
	)
	if err == nil && s.kind != engine.Advert { // a raw socket delivers the whole header instead
		err = s.set(option{unix.IPPROTO_IP, unix.IP_RECVTTL, 1}, option{unix.IPPROTO_IP, unix.IP_PKTINFO, 1})
	}
	if err == nil {
		err = unix.SetsockoptIPMreqn(s.fd, unix.IPPROTO_IP, unix.IP_MULTICAST_IF, &unix.IPMreqn{Ifindex: int32(index)})
	}
	return err
}

// join joins the group that adverts and messages go to. A membership belongs
// to the interface's index: it survives down and up, and ends with the
// interface.
func (s *socket) join(index int) error {
	var err error
	if s.family == vrrp.IPv6 {
		err = unix.SetsockoptIPv6Mreq(s.fd, unix.IPPROTO_IPV6, unix.IPV6_JOIN_GROUP,
			&unix.IPv6Mreq{Multiaddr: vrrp.Group6.As16(), Interface: uint32(index)})
	} else {
		err = unix.SetsockoptIPMreqn(s.fd, unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP,
			&unix.IPMreqn{Multiaddr: vrrp.Group4.As4(), Ifindex: int32(index)})
	}
	if err != nil {
		return fmt.Errorf("cannot join the VRRP multicast group: %w", err)
	}
	return nil
}

// drain throws away what arrived before the socket was bound.
func (s *socket) drain() {
	var b [1]byte
	for range 1024 {
		if _, _, err := unix.Recvfrom(s.fd, b[:], unix.MSG_DONTWAIT|unix.MSG_TRUNC); err == unix.EAGAIN {
			return
		}
	}
}

func (s *socket) orClose(err error) (*socket, error) {
	if err != nil {
		_ = unix.Close(s.fd)
		return nil, err
	}
	return s, nil
}

func domain(f vrrp.Family) int {
	if f == vrrp.IPv6 {
		return unix.AF_INET6
	}
	return unix.AF_INET
}

// getsockname reads the link-layer address of a packet socket's device
// without allocating.
func getsockname(fd int, sa *unix.RawSockaddrLinklayer) unix.Errno {
	size := uint32(unsafe.Sizeof(*sa))
	_, _, errno := unix.RawSyscall(unix.SYS_GETSOCKNAME, uintptr(fd), uintptr(unsafe.Pointer(sa)), uintptr(unsafe.Pointer(&size)))
	return errno
}

// interfaceIndex asks for the index in the namespace of the calling thread.
func interfaceIndex(ifname string) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	req, err := unix.NewIfreq(ifname)
	if err != nil {
		return 0, fmt.Errorf("%q is not an interface name", ifname)
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFINDEX, req); err != nil {
		return 0, err
	}
	return int(req.Uint32()), nil
}
