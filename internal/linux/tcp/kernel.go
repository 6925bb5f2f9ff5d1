package tcp

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/linux/rtnl"
	"github.com/holdfast-net/holdfast/internal/tickle"
)

// Kernel is the way to this machine's connections. Its methods may be called
// from any goroutine, but Poke and Reset from one.
type Kernel struct {
	diag diag   // for lists
	look diag   // for single connections, which must not wait for a list
	raw  [2]int // sockets, for IPv4 and IPv6; -1: there is none
	buf  []byte
}

// Open opens what all of it needs. It takes CAP_NET_RAW to send, and
// CAP_NET_ADMIN to end connections.
func Open() (*Kernel, error) {
	k := &Kernel{raw: [2]int{-1, -1}}
	for _, d := range []*diag{&k.diag, &k.look} {
		var err error
		if d.conn, err = rtnl.DialDiag(); err != nil {
			return nil, errors.Join(fmt.Errorf("cannot look at TCP connections: %w", err), k.Close())
		}
	}
	var errs [2]error
	for i, family := range [2]int{unix.AF_INET, unix.AF_INET6} {
		// IPPROTO_RAW: it only sends, and what it sends has its IP header.
		k.raw[i], errs[i] = unix.Socket(family, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
		if errs[i] == nil {
			_ = unix.SetsockoptInt(k.raw[i], unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, 4<<20)
		}
	}
	if errs[0] != nil && errs[1] != nil { // a machine may have one family only
		return nil, errors.Join(fmt.Errorf("cannot send TCP segments: %w", errs[0]), k.Close())
	}
	return k, nil
}

// Close closes it.
func (k *Kernel) Close() error {
	for i, fd := range k.raw {
		if fd >= 0 {
			_ = unix.Close(fd)
			k.raw[i] = -1
		}
	}
	var errs []error
	for _, d := range []*diag{&k.diag, &k.look} {
		if d.conn != nil {
			errs = append(errs, d.conn.Close())
		}
	}
	return errors.Join(errs...)
}

// Poke sends a client an ACK with numbers that cannot be right, to which it
// answers with those that are (RFC 9293 §3.10.7.4).
func (k *Kernel) Poke(c tickle.Connection) error { return k.send(c, flagACK, 0) }

// Reset resets a client's end of a connection, whose next number is seq, if this
// machine has no such connection.
func (k *Kernel) Reset(c tickle.Connection, seq uint32) error {
	if k.has(c) {
		return nil
	}
	return k.send(c, flagRST, seq)
}

func (k *Kernel) send(c tickle.Connection, flags byte, seq uint32) error {
	k.buf = appendSegment(k.buf[:0], c, flags, seq)
	var err error
	if to := c.Remote.Addr(); to.Is4() {
		err = unix.Sendto(k.raw[0], k.buf, 0, &unix.SockaddrInet4{Addr: to.As4()})
	} else {
		err = unix.Sendto(k.raw[1], k.buf, 0, &unix.SockaddrInet6{Addr: to.As16()})
	}
	if err != nil {
		return fmt.Errorf("cannot send to %s: %w", c.Remote, err)
	}
	return nil
}
