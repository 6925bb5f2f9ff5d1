package run

import (
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// port is where other nodes connect.
type port struct {
	r      *Runner
	number uint16 // 0: none is wanted
	listen net.Listener
	tries  int
	told   bool // that it cannot be had
}

// mostTries is after how many attempts people are told: a process that goes away
// may have the port for a while.
const mostTries = 8

// mostGreeting is how many connections may be greeting at a time.
const mostGreeting = 16

// want opens the port of a configuration, or closes it.
func (p *port) want(c Config) {
	number := c.Port
	if len(c.Services) == 0 {
		number = 0
	}
	if number == p.number && (p.listen != nil || number == 0) {
		return
	}
	p.close()
	if p.number = number; number != 0 {
		p.open()
	}
}

func (p *port) close() {
	if p.listen != nil {
		_ = p.listen.Close() // nothing was written that could be lost
		p.listen = nil
	}
}

// open listens, now or later.
func (p *port) open() {
	lc := net.ListenConfig{Control: near}
	l, err := lc.Listen(p.r.ctx, "tcp", fmt.Sprintf(":%d", p.number))
	if err != nil {
		if p.tries++; p.tries == mostTries {
			p.told = true
			p.r.opt.Record("", CodeListen, fmt.Sprintf("flows of other nodes cannot be heard: %v (it is tried again%s)", err, hint(err)))
		}
		number := p.number
		time.AfterFunc(500*time.Millisecond, func() {
			p.r.post(func() {
				if p.number == number && p.listen == nil {
					p.open()
				}
			})
		})
		return
	}
	if p.tries = 0; p.told {
		p.told = false
		p.r.opt.Record("", CodeListen, fmt.Sprintf("flows of other nodes are heard at port %d", p.number))
	}
	p.listen = l
	go p.accept(l)
}

// hint says what may help.
func hint(err error) string {
	if errors.Is(err, unix.EADDRINUSE) {
		return "; another process has this port, perhaps another holdfast on this machine: give all nodes of one of them another flows.port"
	}
	return ""
}

func (p *port) accept(l net.Listener) {
	greeting := make(chan struct{}, mostGreeting)
	for {
		n, err := l.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			time.Sleep(100 * time.Millisecond) // no descriptors, say
			continue
		}
		select {
		case greeting <- struct{}{}:
			go func() {
				defer func() { <-greeting }()
				p.r.answer(n)
			}()
		default:
			_ = n.Close() // who floods this port is not heard
		}
	}
}

// near has packets sent with the TTL that the other side may demand (RFC 5082).
func near(network, _ string, c syscall.RawConn) error {
	var err error
	set := func(fd uintptr) {
		if network == "tcp4" {
			err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_TTL, 255)
			return
		}
		// A socket of IPv6 may speak IPv4, too.
		err = errors.Join(
			unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS, 255),
			unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_TTL, 255))
	}
	if e := c.Control(set); e != nil {
		return e
	}
	if err != nil {
		return fmt.Errorf("cannot set the TTL of a socket: %w", err)
	}
	return nil
}

// demandNear has the kernel drop what does not come from this network: without a
// key that is all that is known of the other side.
func demandNear(n net.Conn) error {
	t, ok := n.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := t.SyscallConn()
	if err != nil {
		return fmt.Errorf("cannot demand a TTL: %w", err)
	}
	var four, six error
	if err := raw.Control(func(fd uintptr) {
		four = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_MINTTL, 255)
		six = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_MINHOPCOUNT, 255)
	}); err != nil {
		return fmt.Errorf("cannot demand a TTL: %w", err)
	}
	if four != nil && six != nil {
		return fmt.Errorf("cannot demand a TTL: %w", four)
	}
	return nil
}
