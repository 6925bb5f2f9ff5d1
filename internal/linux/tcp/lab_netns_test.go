package tcp

import (
	"net"
	"net/netip"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/linux/netns"
	"github.com/holdfast-net/holdfast/internal/tickle"
)

// The lab: a host with a service, and a client, on one wire.
var (
	host4 = netip.MustParseAddr("192.0.2.1")
	host6 = netip.MustParseAddr("2001:db8::1")
)

type lab struct {
	t            testing.TB
	host, client *netns.NS
	kernel       *Kernel // of the host
}

func newLab(t testing.TB) *lab {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: makes network namespaces")
	}
	l := &lab{t: t}
	for _, ns := range []**netns.NS{&l.host, &l.client} {
		var err error
		if *ns, err = netns.New(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = (*ns).Close() })
	}
	l.in(l.host, func() error {
		peer := netlink.NewLinkAttrs()
		peer.Name = "eth0"
		return netlink.LinkAdd(&netlink.Veth{LinkAttrs: peer, PeerName: "eth0", PeerNamespace: netlink.NsFd(l.client.Handle())})
	})
	for _, x := range []struct {
		ns    *netns.NS
		addrs []string
	}{{l.host, []string{"192.0.2.1/24", "2001:db8::1/64"}}, {l.client, []string{"192.0.2.2/24", "2001:db8::2/64"}}} {
		l.in(x.ns, func() error {
			for _, name := range []string{"lo", "eth0"} {
				link, err := netlink.LinkByName(name)
				if err == nil {
					err = netlink.LinkSetUp(link)
				}
				if err != nil {
					return err
				}
				for _, a := range x.addrs {
					addr, err := netlink.ParseAddr(a)
					if err != nil {
						return err
					}
					if addr.Flags = unix.IFA_F_NODAD; name == "eth0" {
						if err := netlink.AddrAdd(link, addr); err != nil {
							return err
						}
					}
				}
			}
			return nil
		})
	}
	l.in(l.host, func() (err error) {
		l.kernel, err = Open()
		return err
	})
	t.Cleanup(func() { _ = l.kernel.Close() })
	return l
}

func (l *lab) in(ns *netns.NS, f func() error) {
	l.t.Helper()
	if err := ns.Do(f); err != nil {
		l.t.Fatal(err)
	}
}

// run runs a program in the host.
func (l *lab) run(args ...string) {
	l.t.Helper()
	l.in(l.host, func() error {
		out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
		if err != nil {
			l.t.Fatalf("%v: %v: %s", args, err, out)
		}
		return nil
	})
}

// serve listens on the host: on both families where no address is given.
func (l *lab) serve(addr string) *net.TCPListener {
	l.t.Helper()
	var out net.Listener
	l.in(l.host, func() (err error) {
		out, err = net.Listen("tcp", addr)
		return err
	})
	l.t.Cleanup(func() { _ = out.Close() })
	return out.(*net.TCPListener)
}

// connect is both ends of a connection.
func (l *lab) connect(to *net.TCPListener, host netip.Addr) (client, server *net.TCPConn) {
	l.t.Helper()
	port := to.Addr().(*net.TCPAddr).Port
	l.in(l.client, func() error {
		c, err := net.DialTimeout("tcp", netip.AddrPortFrom(host, uint16(port)).String(), 10*time.Second)
		if err == nil {
			client = c.(*net.TCPConn)
		}
		return err
	})
	server, err := to.AcceptTCP()
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { _, _ = client.Close(), server.Close() })
	return client, server
}

// vanish makes the host forget a connection without a word, as a host does that
// died.
func (l *lab) vanish(server *net.TCPConn) {
	l.t.Helper()
	raw, err := server.SyscallConn()
	if err == nil {
		_ = raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_REPAIR, 1) })
	}
	if err == nil {
		err = server.Close()
	}
	if err != nil {
		l.t.Fatal(err)
	}
}

// connection is how the host names the connection of a client.
func connection(client *net.TCPConn) tickle.Connection {
	return tickle.Connection{
		Local:  client.RemoteAddr().(*net.TCPAddr).AddrPort(),
		Remote: client.LocalAddr().(*net.TCPAddr).AddrPort(),
	}
}

// outcome is how a client's read ends, and after which time.
func outcome(client *net.TCPConn, wait time.Duration) (time.Duration, error) {
	begun := time.Now()
	_ = client.SetReadDeadline(begun.Add(wait))
	_, err := client.Read(make([]byte, 1))
	return time.Since(begun), err
}
