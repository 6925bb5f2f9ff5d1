package tcp

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/tickle"
)

// tap sees what clients say. It sees frames when they arrive at the interface,
// before the firewall, and before a macvlan on it takes them.
type tap struct{ file *os.File }

// Watch begins to look at an interface for segments to some addresses that say
// something of a connection, and carry no data. heard gets them, from another
// goroutine, until what is returned is closed.
func (k *Kernel) Watch(ifname string, addrs []netip.Addr, heard func([]tickle.Answer)) (close func(), err error) {
	iface, err := net.InterfaceByName(ifname)
	if err != nil {
		return nil, fmt.Errorf("cannot look at %s: %w", ifname, err)
	}
	// Without the link's header, whatever that is.
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot look at %s: %w", ifname, err)
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 16<<20)
	filter := bare()
	// Before it is bound, so that nothing else is ever queued.
	err = unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]})
	if err == nil {
		all := binary.NativeEndian.Uint16([]byte{0, unix.ETH_P_ALL})
		err = unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: iface.Index})
	}
	if err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("cannot look at %s: %w", ifname, err)
	}
	t := &tap{os.NewFile(uintptr(fd), "tap")}
	mine := make(map[netip.Addr]bool, len(addrs))
	for _, a := range addrs {
		mine[a] = true
	}
	go t.read(mine, heard)
	return func() { _ = t.file.Close() }, nil
}

// read hands on what is heard, many at a time where many are there.
func (t *tap) read(mine map[netip.Addr]bool, heard func([]tickle.Answer)) {
	buf := make([]byte, snap)
	raw, err := t.file.SyscallConn()
	if err != nil {
		return
	}
	for {
		var got []tickle.Answer
		gone := false
		err := raw.Read(func(fd uintptr) bool {
			for len(got) < batch {
				n, _, err := unix.Recvfrom(int(fd), buf, 0)
				switch {
				case err == unix.EINTR:
					continue
				case err == unix.EAGAIN:
					return len(got) > 0
				case err != nil && err != unix.ENETDOWN:
					gone = true
					return true
				}
				if a, ok := parse(buf[:max(n, 0)]); ok && mine[a.Local.Addr()] {
					got = append(got, a)
				}
			}
			return true
		})
		if len(got) > 0 {
			heard(got)
		}
		if err != nil || gone {
			return
		}
	}
}

const (
	snap  = 128 // bytes of a packet: its headers
	batch = 256 // packets that are handed on together
)
