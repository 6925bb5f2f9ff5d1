package probe

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/check"
)

var loopback = netip.MustParseAddr("127.0.0.1")

// inside moves the test's thread into a network namespace of its own, which
// ends with the thread: nobody unlocks it. Probes look on the goroutine that
// calls them, so their sockets are in there, too.
func inside(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: makes a network namespace")
	}
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
	lo := link(t, "lo")
	if err := netlink.LinkSetUp(lo); err != nil {
		t.Fatal(err)
	}
	// A link with nobody at its other end.
	if err := netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "quiet0"}, PeerName: "quiet1"}); err != nil {
		t.Fatal(err)
	}
	quiet := link(t, "quiet0")
	if err := netlink.LinkSetUp(link(t, "quiet1")); err != nil {
		t.Fatal(err)
	}
	for on, addresses := range map[netlink.Link][]string{quiet: {"192.0.2.1/24", "2001:db8::1/64"}} {
		for _, a := range addresses {
			addr, err := netlink.ParseAddr(a)
			if err != nil {
				t.Fatal(err)
			}
			if addr.IP.To4() == nil {
				addr.Flags = unix.IFA_F_NODAD
			}
			if err := netlink.AddrAdd(on, addr); err != nil {
				t.Fatal(a, err)
			}
		}
	}
	if err := netlink.LinkSetUp(quiet); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, name string) netlink.Link {
	t.Helper()
	l, err := netlink.LinkByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestPing_InANamespace: ping sockets are not allowed in a new namespace, so
// these are raw ones, with their filter.
func TestPing_InANamespace(t *testing.T) {
	inside(t)
	for _, host := range []string{"127.0.0.1", "::1", "192.0.2.1", "2001:db8::1"} {
		s, err := openEcho(netip.MustParseAddr(host), check.Via{})
		if err != nil {
			t.Fatal(err)
		}
		s.file.Close()
		if kind := s.header; netip.MustParseAddr(host).Is4() && !kind {
			t.Error("this is a ping socket, so the raw ones are not tested")
		}
		sees(t, try(t, pings(host, func(k *check.Ping) { k.Count, k.Spacing = 3, time.Millisecond })), true, "3 of 3 answered in ")
	}
	for _, c := range []struct {
		host string
		via  check.Via
		want string
	}{
		{"192.0.2.2", check.Via{}, "nothing for "},
		{"2001:db8::2", check.Via{}, "nothing for "},
		{"198.51.100.1", check.Via{}, "network unreachable after "},
		{"127.0.0.1", check.Via{Device: "quiet0"}, ", wanted 1 answer"},
	} {
		sees(t, tryFor(t, pings(c.host, func(k *check.Ping) { k.Via = c.via }), 200*time.Millisecond), false, c.want)
	}
}

// TestPing_ManyAtOnce: each of them hears its own answers only.
func TestPing_ManyAtOnce(t *testing.T) {
	inside(t)
	var socks []*echoSocket
	for range 50 {
		s, err := openEcho(loopback, check.Via{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.file.Close()
		socks = append(socks, s)
	}
	sees(t, try(t, pings("127.0.0.1", func(k *check.Ping) { k.Count, k.Spacing = 20, time.Millisecond })), true)
	for _, s := range socks {
		s.file.SetReadDeadline(time.Now().Add(time.Millisecond))
		// The identifier is one of 65,536: a chance hit would be somebody's own.
		if n, err := s.file.Read(make([]byte, 200)); err == nil {
			t.Errorf("a socket that asked nothing heard %d bytes", n)
		}
	}
}

// TestVia: source, device and mark, in a namespace where each shows.
func TestVia(t *testing.T) {
	inside(t)
	// Addresses of this machine are looked up first, by rule 0; here a mark
	// comes before them.
	local := netlink.NewRule()
	local.Priority, local.Table = 100, unix.RT_TABLE_LOCAL
	rule := netlink.NewRule()
	rule.Mark, rule.Priority, rule.Type = 7, 1, unix.RTN_UNREACHABLE
	first := netlink.NewRule()
	first.Priority, first.Table = 0, unix.RT_TABLE_LOCAL
	if err := errors.Join(netlink.RuleAdd(local), netlink.RuleAdd(rule), netlink.RuleDel(first)); err != nil {
		t.Fatal(err)
	}
	from := make(chan string, 1)
	to := listen(t, func(c net.Conn) {
		from <- c.RemoteAddr().(*net.TCPAddr).IP.String()
		io.WriteString(c, "hello")
	})
	udpTo := answering(t, "udp4", func(b []byte) []byte { return b })
	script := check.Script{To: to, MaxRead: 100, Steps: []check.Step{{Expect: check.Pattern{Form: check.Contains, Text: "hello"}}}}
	for _, c := range []struct {
		name string
		via  check.Via
		ok   bool
		from string
	}{
		{"none", check.Via{}, true, "127.0.0.1"},
		{"source", check.Via{Source: netip.MustParseAddr("127.0.0.9")}, true, "127.0.0.9"},
		{"device", check.Via{Device: "lo"}, true, "127.0.0.1"},
		{"another device", check.Via{Device: "quiet0"}, false, ""},
		{"mark", check.Via{Mark: 9}, true, "127.0.0.1"},
		{"mark that leads nowhere", check.Via{Mark: 7}, false, ""},
	} {
		// No subtest: it would run on another thread, outside.
		t.Log(c.name)
		k := script
		k.Via = c.via
		sees(t, tryFor(t, k, 500*time.Millisecond), c.ok)
		if c.ok {
			if got := <-from; got != c.from {
				t.Errorf("%s: from %s, wanted %s", c.name, got, c.from)
			}
		}
		sees(t, tryFor(t, check.UDP{To: udpTo, Send: "x", Via: c.via}, 500*time.Millisecond), c.ok)
		sees(t, tryFor(t, pings("127.0.0.1", func(k *check.Ping) { k.Via = c.via }), 500*time.Millisecond), c.ok)
	}
}
