package probe

import (
	"context"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/check"
)

// tcp is up when a connection is made.
//
// There may be thousands of these a second, and what they cost is system
// calls. So an address is connected to directly, with half of the calls that
// net.Dialer makes to set up a connection that will be used; a name is left to
// the dialer.
type tcp struct {
	via     check.Via
	dialer  *dialer
	address string
	to      netip.AddrPort // invalid: a name
}

func newTCP(k check.TCP) *tcp {
	p := &tcp{via: k.Via, dialer: newDialer(k.Via, weBegin), address: k.To.String()}
	if a, err := netip.ParseAddr(k.To.Host); err == nil {
		p.to = netip.AddrPortFrom(a.Unmap(), k.To.Port)
	}
	return p
}

// Try implements check.Probe.
func (p *tcp) Try(ctx context.Context) check.Seen {
	start := time.Now()
	if err := p.connect(ctx); err != nil {
		return failed(start, err, "a connection")
	}
	return check.Passed("connected in " + took(start))
}

func (p *tcp) connect(ctx context.Context) error {
	if !p.to.IsValid() {
		conn, release, err := p.dialer.dial(ctx, "tcp", p.address)
		if err != nil {
			return err
		}
		release()
		return conn.Close()
	}
	family := unix.AF_INET
	if p.to.Addr().Is6() {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return err
	}
	if err := p.begin(fd); err != nil {
		unix.Close(fd)
		return err
	}
	// The runtime's poller waits for it from here on, as for other files.
	file := os.NewFile(uintptr(fd), p.address)
	defer file.Close()
	defer bound(ctx, file)()
	return connected(file)
}

// begin starts the handshake.
func (p *tcp) begin(fd int) error {
	if err := forChecks(fd, weBegin, p.via); err != nil {
		return err
	}
	if p.via.Source.IsValid() {
		if err := unix.Bind(fd, sockaddr(netip.AddrPortFrom(p.via.Source, 0))); err != nil {
			return err
		}
	}
	if err := unix.Connect(fd, sockaddr(p.to)); err != unix.EINPROGRESS {
		return err
	}
	return nil
}

// connected waits for the end of the handshake.
func connected(file *os.File) error {
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var result error
	err = raw.Write(func(fd uintptr) bool {
		code, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR)
		switch {
		case err != nil:
			result = err
		case code != 0:
			result = unix.Errno(code)
		default:
			// No error, but it may still be under way: then there is no peer.
			_, err := unix.Getpeername(int(fd))
			return err == nil
		}
		return true
	})
	if err != nil {
		return err
	}
	return result
}
