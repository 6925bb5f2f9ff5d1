package lab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/linux/netns"
)

// A probe is a number that names the prober and one that names the probe. Its
// echo is the same with the name of the host that answered behind it.
const probeSize = 16

func putProbe(b []byte, prober, number uint64) {
	binary.BigEndian.PutUint64(b, prober)
	binary.BigEndian.PutUint64(b[8:], number)
}

// readEcho takes an echo apart.
func readEcho(b []byte) (prober, number uint64, node []byte, ok bool) {
	if len(b) < probeSize {
		return 0, 0, nil, false
	}
	return binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:]), b[probeSize:], true
}

// echo is the service on a host: it answers each probe from the address at
// which it was asked, with the host's name.
type echo struct {
	fds  []int
	done sync.WaitGroup
}

// startEcho listens on a UDP port of all addresses, also of those that the
// host does not have yet.
func startEcho(ns *netns.NS, name string, port uint16) (*echo, error) {
	e := &echo{}
	err := ns.Do(func() error {
		any4 := &unix.SockaddrInet4{Port: int(port)}
		any6 := &unix.SockaddrInet6{Port: int(port)}
		return errors.Join(
			e.listen(any4, unix.AF_INET, unix.IPPROTO_IP, unix.IP_PKTINFO),
			e.listen(any6, unix.AF_INET6, unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO))
	})
	if err != nil {
		e.close()
		return nil, fmt.Errorf("cannot start the echo service: %w", err)
	}
	for _, fd := range e.fds {
		e.done.Go(func() {
			PreferThread()
			newExchange(name).serve(fd)
			unix.Close(fd)
		})
	}
	return e, nil
}

func (e *echo) listen(at unix.Sockaddr, family, level, info int) error {
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if errors.Is(err, unix.EAFNOSUPPORT) {
		return nil // a kernel without IPv6
	}
	if err != nil {
		return err
	}
	e.fds = append(e.fds, fd)
	makeRoom(fd)
	if family == unix.AF_INET6 {
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1); err != nil {
			return err
		}
	}
	if err := unix.SetsockoptInt(fd, level, info, 1); err != nil {
		return err
	}
	return unix.Bind(fd, at)
}

// close ends the service and waits for its goroutines.
func (e *echo) close() {
	for _, fd := range e.fds {
		// It says ENOTCONN, and wakes the reader all the same.
		_ = unix.Shutdown(fd, unix.SHUT_RDWR)
	}
	e.done.Wait()
}

// exchange is the memory of one socket's questions and answers. The kernel
// reads and writes it through the pointers in the header, so that a probe
// costs no allocation.
type exchange struct {
	header unix.Msghdr
	vec    unix.Iovec
	peer   [unix.SizeofSockaddrInet6]byte
	info   [64]byte
	data   [256]byte
	name   string
}

func newExchange(name string) *exchange {
	x := &exchange{name: name}
	x.vec.Base = &x.data[0]
	x.header.Iov = &x.vec
	x.header.SetIovlen(1)
	x.header.Name = &x.peer[0]
	x.header.Control = &x.info[0]
	return x
}

// serve answers until the socket is shut down.
func (x *exchange) serve(fd int) {
	for {
		x.vec.SetLen(len(x.data) - len(x.name))
		x.header.Namelen = uint32(len(x.peer))
		x.header.SetControllen(len(x.info))
		n, errno := x.call(unix.SYS_RECVMSG, fd)
		switch {
		case errno == unix.EINTR:
			continue
		case errno != 0 || x.header.Namelen == 0:
			return
		case n != probeSize || !x.turnRound():
			continue
		}
		x.vec.SetLen(n + copy(x.data[n:], x.name))
		// An answer that cannot be sent is a probe that gets none: the
		// address may have left in between.
		_, _ = x.call(unix.SYS_SENDMSG, fd)
	}
}

func (x *exchange) call(number uintptr, fd int) (int, unix.Errno) {
	n, _, errno := unix.Syscall(number, uintptr(fd), uintptr(unsafe.Pointer(&x.header)), 0)
	return int(n), errno
}

// turnRound makes the packet information of the question that of the answer:
// the destination becomes the source, and the route is chosen freely. See
// ip(7), IP_PKTINFO, and RFC 3542 §6.
func (x *exchange) turnRound() bool {
	if int(x.header.Controllen) < unix.SizeofCmsghdr {
		return false
	}
	h := (*unix.Cmsghdr)(unsafe.Pointer(&x.info[0]))
	data := unsafe.Pointer(&x.info[unix.CmsgLen(0)])
	switch {
	case h.Level == unix.IPPROTO_IP && h.Type == unix.IP_PKTINFO:
		info := (*unix.Inet4Pktinfo)(data)
		info.Spec_dst, info.Ifindex = info.Addr, 0
	case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_PKTINFO:
		info := (*unix.Inet6Pktinfo)(data)
		if linkLocal := info.Addr[0] == 0xfe && info.Addr[1]&0xc0 == 0x80; !linkLocal {
			info.Ifindex = 0
		}
	default:
		return false
	}
	return true
}
