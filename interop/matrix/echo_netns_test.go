package matrix

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/linux/netns"
)

// echo answers datagrams with the name of its backend before them. The first byte
// is the number of hops that the answer may take; 0 is as many as usual.
type echo struct {
	name string
	mu   sync.Mutex
	told []report
}

// report is what a socket was told by ICMP of a packet that it sent.
type report struct {
	to    netip.AddrPort
	errno syscall.Errno
	from  uint8 // SO_EE_ORIGIN_…
	kind  uint8 // the type of ICMP
}

func (r report) String() string {
	return fmt.Sprintf("of a packet to %s: %v (type %d)", r.to, r.errno, r.kind)
}

func (e *echo) serve(s *site, ns *netns.NS, at netip.AddrPort) {
	s.Helper()
	c, err := datagrams(ns, func(l net.ListenConfig) (net.PacketConn, error) {
		return l.ListenPacket(context.Background(), "udp", at.String())
	})
	s.must(err)
	s.Cleanup(func() { c.Close() })
	go func() {
		buf := make([]byte, 65536)
		for {
			n, from, err := c.ReadFromUDPAddrPort(buf)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil || n == 0 {
				e.mu.Lock()
				e.told = append(e.told, reports(c)...)
				e.mu.Unlock()
				continue
			}
			hops := int(buf[0])
			if hops == 0 {
				hops = 64
			}
			_ = setHops(c, at.Addr(), hops)
			_, _ = c.WriteToUDPAddrPort(append([]byte(e.name), buf[:n]...), from)
		}
	}()
}

// was tells whether the backend was told something.
func (e *echo) was(told func(report) bool) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, r := range e.told {
		if told(r) {
			return nil
		}
	}
	return fmt.Errorf("%s was told %v", e.name, e.told)
}

// datagrams opens a socket that asks for errors.
func datagrams(ns *netns.NS, open func(net.ListenConfig) (net.PacketConn, error)) (*net.UDPConn, error) {
	var c net.PacketConn
	err := ns.Do(func() (err error) {
		c, err = open(net.ListenConfig{Control: wantErrors})
		return err
	})
	if err != nil {
		return nil, err
	}
	return c.(*net.UDPConn), nil
}

func wantErrors(network, _ string, raw syscall.RawConn) error {
	var err error
	done := raw.Control(func(fd uintptr) {
		if network == "udp6" {
			err = unix.SetsockoptInt(int(fd), unix.SOL_IPV6, unix.IPV6_RECVERR, 1)
		} else {
			err = unix.SetsockoptInt(int(fd), unix.SOL_IP, unix.IP_RECVERR, 1)
		}
	})
	return errors.Join(done, err)
}

func setHops(c *net.UDPConn, of netip.Addr, hops int) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	done := raw.Control(func(fd uintptr) {
		if of.Is6() {
			err = unix.SetsockoptInt(int(fd), unix.SOL_IPV6, unix.IPV6_UNICAST_HOPS, hops)
		} else {
			err = unix.SetsockoptInt(int(fd), unix.SOL_IP, unix.IP_TTL, hops)
		}
	})
	return errors.Join(done, err)
}

// reports empties the queue of errors of a socket.
func reports(c *net.UDPConn) (all []report) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil
	}
	_ = raw.Control(func(fd uintptr) {
		for {
			buf, oob := make([]byte, 1), make([]byte, 512)
			_, n, _, to, err := unix.Recvmsg(int(fd), buf, oob, unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
			if err != nil {
				return
			}
			messages, _ := unix.ParseSocketControlMessage(oob[:n])
			for _, m := range messages {
				if len(m.Data) < 16 || m.Header.Type != unix.IP_RECVERR && m.Header.Type != unix.IPV6_RECVERR {
					continue
				}
				r := report{errno: syscall.Errno(binary.NativeEndian.Uint32(m.Data)), from: m.Data[4], kind: m.Data[5]}
				switch to := to.(type) {
				case *unix.SockaddrInet4:
					r.to = netip.AddrPortFrom(netip.AddrFrom4(to.Addr), uint16(to.Port))
				case *unix.SockaddrInet6:
					r.to = netip.AddrPortFrom(netip.AddrFrom16(to.Addr), uint16(to.Port))
				}
				all = append(all, r)
			}
		}
	})
	return all
}
