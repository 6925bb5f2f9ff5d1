package daemon_test

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/holdfast-net/holdfast/internal/lab"
)

// exits waits until `holdfast status` ends with a code and says some words.
func (n *node) exits(code int, words ...string) {
	n.s.t.Helper()
	n.s.within(fmt.Sprintf("status on %s ends with %d", n.name, code), func() error {
		if got := n.cli("status"); got.code != code || !hasAll(got.out, words) {
			return fmt.Errorf("it ended with %d and said:\n%s%s", got.code, got.out, got.err)
		}
		return nil
	})
}

// The exit code of status sums up what the node knows.
func TestStatus_ExitCodes(t *testing.T) {
	s := newSite(t)
	if got := s.a.cli("status"); got.code != 4 || !strings.Contains(got.err, "hint: ") {
		t.Errorf("without a daemon it ended with %d and said: %s", got.code, got.err)
	}
	s.pair("preempt: false")
	healthy := 0
	if st, err := s.a.status(); err != nil || !st.Realtime.On {
		healthy = 20 // this machine grants no real-time class, and that is a warning
	}
	s.a.exits(healthy)
	s.b.exits(healthy)

	// Maintenance: the address moves, and the node would not take it back.
	if got := s.a.cli("maintenance", "on"); got.code != 0 {
		t.Fatalf("maintenance ended with %d and said: %s", got.code, got.err)
	}
	s.b.becomes("web", "active")
	s.a.exits(20, "maintenance is on")
	if got := s.a.cli("maintenance", "off"); got.code != 0 {
		t.Fatalf("maintenance ended with %d and said: %s", got.code, got.err)
	}
	s.a.exits(healthy)

	// No holder: the only other node is gone, and this one is in fault.
	s.b.end()
	s.a.becomes("web", "active")
	s.must(s.a.host.Cut(lab.Carrier))
	s.a.exits(21)
	s.must(s.a.host.Restore())
	s.a.becomes("web", "active")
	s.a.exits(healthy)

	// Two holders: b hears nobody, but is heard.
	s.must(s.b.host.Cut(lab.Deaf))
	s.b.run(s.b.command())
	s.b.becomes("web", "active")
	s.a.exits(22, "more than one holder", "b")
	s.must(s.b.host.Restore())
	s.answers(vip, "a")
	s.a.exits(20, "was active too") // what happened is worth a look for two minutes

	// A machine that knows nothing of elections has the address, too.
	s.must(s.client.Do(func() error { return squat(vip) }))
	s.a.exits(22, "conflict", "HF2030", "192.0.2.10 is used by ", "here it is ")
	if got := s.a.cli("status", "web", "-o", "json"); got.code != 22 || !hasAll(got.out, []string{`"conflict": {`, `"own": "`, `"other": "`}) {
		t.Errorf("status of the group ended with %d and said:\n%s", got.code, got.out)
	}
	s.must(s.client.Do(func() error { return leave(vip) }))
	s.a.exits(20)
	s.over()
}

// squat puts an address on eth0 and uses it, so that everybody hears of it.
func squat(a netip.Prefix) error {
	link, err := netlink.LinkByName("eth0")
	if err != nil {
		return err
	}
	if err := netlink.AddrAdd(link, addressOf(a)); err != nil {
		return err
	}
	// Nobody has the other address: it is asked for in the name of this one.
	c, err := net.DialUDP("udp4", &net.UDPAddr{IP: a.Addr().AsSlice()}, &net.UDPAddr{IP: net.IPv4(192, 0, 2, 250), Port: echoPort})
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.Write([]byte("anybody?"))
	return err
}

func leave(a netip.Prefix) error {
	link, err := netlink.LinkByName("eth0")
	if err != nil {
		return err
	}
	return netlink.AddrDel(link, addressOf(a))
}

func addressOf(a netip.Prefix) *netlink.Addr {
	return &netlink.Addr{IPNet: &net.IPNet{IP: a.Addr().AsSlice(), Mask: net.CIDRMask(a.Bits(), 32)}}
}
