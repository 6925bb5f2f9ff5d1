package bpf

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/linux/netns"
)

// A connection that is over ends at once for both, whoever says something first,
// and also where the kernel has to finish the checksums of what we send.
func TestBothEndsAreToldThatItIsOver(t *testing.T) {
	for _, f := range families {
		for _, way := range []struct {
			forward  balance.Forward
			speaks   string
			finished bool
		}{
			{balance.NAT, "client", false},
			{balance.FullNAT, "backend", false},
			{balance.FullNAT, "client", true},
			{balance.DSR, "client", true},
		} {
			t.Run(fmt.Sprint(f.name, " ", way.forward, " ", way.speaks, " finished=", way.finished), func(t *testing.T) {
				l := newLab(t, 1)
				served, at := make(chan net.Conn, 1), netip.AddrPortFrom(f.backends[0], 8080)
				if way.forward == balance.DSR {
					at = l.addVIP(f)
				}
				var listener net.Listener
				must(t, l.backends[0].Do(func() (err error) {
					listener, err = net.Listen("tcp", at.String())
					return err
				}))
				t.Cleanup(func() { listener.Close() })
				go func() {
					c, err := listener.Accept()
					if err == nil {
						served <- c
					}
				}()
				if way.finished {
					finishSums(t, "eth0")
				}
				p := l.open(Config{})
				plan := func(s balance.State) *balance.Plan {
					return f.plan(1, func(p *balance.Plan) {
						p.Service.Forward, p.Service.OnDown = way.forward, balance.Reset
						p.Targets[0].State, p.Targets[0].Addr = s, netip.AddrPortFrom(f.backends[0], at.Port())
						if s != balance.Up {
							p.Table = nil
						}
					})
				}
				must(t, p.Apply([]*balance.Plan{plan(balance.Up)}))
				var client net.Conn
				must(t, l.client.Do(func() (err error) {
					client, err = net.Dial("tcp", netip.AddrPortFrom(f.vip, 80).String())
					return err
				}))
				defer client.Close()
				backend := <-served
				defer backend.Close()
				must(t, exchange(client, backend))
				must(t, p.Apply([]*balance.Plan{plan(balance.Down)}))
				first := map[string]net.Conn{"client": client, "backend": backend}[way.speaks]
				if _, err := first.Write([]byte("is anybody there?")); err != nil {
					t.Fatal(err)
				}
				for who, c := range map[string]net.Conn{"client": client, "backend": backend} {
					must(t, c.SetDeadline(time.Now().Add(20*time.Second)))
					if _, err := c.Read(make([]byte, 1)); !errors.Is(err, unix.ECONNRESET) {
						d, _ := p.Drops("web")
						t.Errorf("the %s was told %v, want a reset (dropped: %v)", who, err, d)
					}
				}
				// With nobody left, a new connection is refused.
				err := l.client.Do(func() error {
					c, err := net.DialTimeout("tcp", netip.AddrPortFrom(f.vip, 80).String(), 20*time.Second)
					if err == nil {
						c.Close()
					}
					return err
				})
				if !errors.Is(err, unix.ECONNREFUSED) {
					t.Errorf("a new client was told %v, want that it is refused", err)
				}
			})
		}
	}
}

// exchange has both say something, so that the connection is established.
func exchange(a, b net.Conn) error {
	for _, c := range [][2]net.Conn{{a, b}, {b, a}} {
		if _, err := c[0].Write([]byte("x")); err != nil {
			return err
		}
		if _, err := c[1].Read(make([]byte, 1)); err != nil {
			return err
		}
	}
	return nil
}

// addVIP gives the first backend the service's address, and a way to clients.
func (l *lab) addVIP(f family) netip.AddrPort {
	l.Helper()
	l.addAddress(l.backends[0], f.vip)
	l.ip(l.backends[0], "route add "+f.clients+" dev eth0", 0)
	return netip.AddrPortFrom(f.vip, 80)
}

func (l *lab) addAddress(ns *netns.NS, a netip.Addr) {
	l.Helper()
	nodad := ""
	if a.Is6() {
		nodad = " nodad"
	}
	l.ip(ns, "addr add %s dev lo"+nodad, a)
}

// finishSums has the kernel compute the checksums of what leaves an interface, so
// that who gets it looks at them.
func finishSums(t *testing.T, name string) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	defer unix.Close(fd)
	for _, what := range []uint32{unix.ETHTOOL_STSO, unix.ETHTOOL_STXCSUM} {
		value := struct{ cmd, data uint32 }{what, 0}
		var req struct {
			name [16]byte
			data unsafe.Pointer
			_    [16]byte
		}
		copy(req.name[:], name)
		req.data = unsafe.Pointer(&value)
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&req))); errno != 0 {
			t.Fatalf("cannot switch offload %#x of %s off: %v", what, name, errno)
		}
	}
}
