package probe

import (
	"context"
	"errors"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/check"
)

// dialer connects by the way that the check asks for.
type dialer struct {
	tcp, udp net.Dialer
}

// opening is who says the first word on a TCP connection.
type opening uint8

const (
	theyBegin opening = iota
	weBegin           // or nobody says anything
)

func newDialer(via check.Via, first opening) *dialer {
	d := &dialer{}
	// Keepalives are for connections that live.
	d.tcp.KeepAliveConfig.Enable = false
	d.tcp.KeepAlive = -1
	d.tcp.ControlContext = func(_ context.Context, network, _ string, c syscall.RawConn) error {
		return control(c, func(fd int) error { return forChecks(fd, first, via) })
	}
	d.udp.ControlContext = func(_ context.Context, network, _ string, c syscall.RawConn) error {
		return control(c, func(fd int) error {
			if err := wantErrors(fd, network == "udp6"); err != nil {
				return err
			}
			return takeWay(fd, via)
		})
	}
	if via.Source.IsValid() {
		zoned := net.IPAddr{IP: via.Source.AsSlice(), Zone: via.Source.Zone()}
		d.tcp.LocalAddr = &net.TCPAddr{IP: zoned.IP, Zone: zoned.Zone}
		d.udp.LocalAddr = &net.UDPAddr{IP: zoned.IP, Zone: zoned.Zone}
	}
	return d
}

func control(c syscall.RawConn, set func(fd int) error) error {
	var failed error
	if err := c.Control(func(fd uintptr) { failed = set(int(fd)) }); err != nil {
		return err
	}
	return failed
}

// forChecks prepares the socket of a TCP connection that will not live long.
func forChecks(fd int, first opening, via check.Via) error {
	// Close sends RST and leaves no TIME_WAIT: see the package's doc.
	if err := unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}); err != nil {
		return err
	}
	if first == weBegin {
		if err := lateACK(fd); err != nil {
			return err
		}
	}
	return takeWay(fd, via)
}

// lateACK lets the last packet of the handshake go with our first data. A look
// that says nothing then resets a connection which the server's program never
// learned of: no accept, no log, and half the work on both sides. HAProxy's
// checks do the same. It would delay a server that speaks first: it waits for
// that packet.
func lateACK(fd int) error {
	return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_QUICKACK, 0)
}

// takeWay sets the device and the mark of a socket, and keeps bind from
// choosing a port.
func takeWay(fd int, via check.Via) error {
	if via.Device != "" {
		if err := unix.BindToDevice(fd, via.Device); err != nil {
			return &wayError{"bind to device " + via.Device, err}
		}
	}
	if via.Mark != 0 {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_MARK, int(via.Mark)); err != nil {
			return &wayError{"mark packets", err}
		}
	}
	if via.Source.IsValid() {
		// bind(2) would choose a port that no other socket of this source has
		// at all; connect(2) may take one that goes elsewhere. IPv6 sockets
		// take this option of IPv4, too (ip(7)).
		return unix.SetsockoptInt(fd, unix.SOL_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
	}
	return nil
}

// wayError is a socket that could not be made as the check asks for.
type wayError struct {
	what string
	err  error
}

func (e *wayError) Error() string { return "cannot " + e.what + ": " + e.err.Error() }
func (e *wayError) Unwrap() error { return e.err }

// wantErrors asks for all ICMP errors. Without it a connected socket learns of
// the fatal ones only: a host that cannot be reached would be silent.
func wantErrors(fd int, six bool) error {
	if six {
		return unix.SetsockoptInt(fd, unix.SOL_IPV6, unix.IPV6_RECVERR, 1)
	}
	return unix.SetsockoptInt(fd, unix.SOL_IP, unix.IP_RECVERR, 1)
}

// dial connects, and sees to it that everything done with the connection ends
// with ctx. release is called when the connection is not used any more, before
// or after it is closed.
func (d *dialer) dial(ctx context.Context, network, address string) (conn net.Conn, release func(), err error) {
	with := &d.tcp
	if network == "udp" {
		with = &d.udp
	}
	conn, err = with.DialContext(ctx, network, address)
	if err != nil {
		return nil, nil, err
	}
	return conn, bound(ctx, conn), nil
}

// bound makes the deadline of ctx that of conn, and its end, too.
func bound(ctx context.Context, conn interface{ SetDeadline(time.Time) error }) (release func()) {
	if t, ok := ctx.Deadline(); ok {
		conn.SetDeadline(t) // fails on a closed connection only
	}
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	return func() { stop() }
}

// farewell is how long a server may take to close after a goodbye.
const farewell = 100 * time.Millisecond

// drain waits until the server has closed, for a moment: then it is the
// server that closed first, and it knows that nothing went wrong.
func drain(conn net.Conn) {
	conn.SetReadDeadline(time.Now().Add(farewell))
	var waste [512]byte
	for range 64 {
		if _, err := conn.Read(waste[:]); err != nil {
			return
		}
	}
}

// errEnded is what a library gets that dials after the look.
var errEnded = errors.New("the look has ended")
