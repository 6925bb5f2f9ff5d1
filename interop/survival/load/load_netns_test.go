package load

import (
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/holdfast-net/holdfast/internal/linux/netns"
)

// direct is a namespace in which clients reach servers without anybody between.
func direct(t *testing.T) (*netns.NS, netip.AddrPort) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: it makes a network namespace")
	}
	ns, err := netns.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ns.Close() })
	err = ns.Do(func() error {
		lo, err := netlink.LinkByName("lo")
		if err != nil {
			return err
		}
		return netlink.LinkSetUp(lo)
	})
	if err != nil {
		t.Fatal(err)
	}
	return ns, netip.MustParseAddrPort("127.0.0.1:80")
}

func begin(t *testing.T, ns *netns.NS, to netip.AddrPort) *Client {
	t.Helper()
	c, err := Begin(Config{
		NS: ns, From: []netip.Addr{netip.MustParseAddr("127.0.0.2"), netip.MustParseAddr("127.0.0.3")}, To: to,
		Echoes: 300, Every: 300 * time.Millisecond, Idles: 20, Downloads: 3, Rate: 400, Patience: 10 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// count counts records by kind and outcome.
func count(records []Record) map[Kind]map[Outcome]int {
	all := map[Kind]map[Outcome]int{Echo: {}, Idle: {}, Download: {}, Request: {}}
	for _, r := range records {
		all[r.Kind][r.Outcome]++
	}
	return all
}

// Where nothing is wrong nothing is found to be wrong, and everybody has spoken.
func TestLoad_OfAHealthyServer(t *testing.T) {
	ns, at := direct(t)
	s, err := Serve([]Backend{{ns, []netip.AddrPort{at}}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	c := begin(t, ns, at)
	defer c.Stop()
	began := c.Now()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		n := count(c.Records(began, c.Now()))
		if n[Echo][Done] >= 300 && n[Request][Done] >= 400 && n[Download][Done] >= 6 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("only %v", n)
		}
	}
	asked := c.Now()
	c.Ask()
	c.Rest(true)
	if err := c.Await(30 * time.Second); err != nil {
		t.Error(err)
	}
	for kind, outcomes := range count(c.Records(0, c.Now())) {
		delete(outcomes, Done)
		if len(outcomes) > 0 {
			t.Errorf("%v: %v", kind, outcomes)
		}
	}
	if n := count(c.Records(asked, c.Now())); n[Idle][Done] != 20 {
		t.Errorf("%d of 20 idle connections have spoken in the end", n[Idle][Done])
	}
}

// A server that resets everything is found out, on every connection.
func TestLoad_OfAServerThatResets(t *testing.T) {
	ns, at := direct(t)
	s, err := Serve([]Backend{{ns, []netip.AddrPort{at}}})
	if err != nil {
		t.Fatal(err)
	}
	c := begin(t, ns, at)
	defer c.Stop()
	began := c.Now()
	s.Stop()
	c.Ask()
	c.Rest(true)
	if err := c.Await(30 * time.Second); err != nil {
		t.Error(err)
	}
	n := count(c.Records(began, c.Now()))
	for kind, want := range map[Kind]int{Echo: 300, Idle: 20, Download: 3} {
		if lost := n[kind][Reset] + n[kind][Closed]; lost != want {
			t.Errorf("%v: %d of %d are lost: %v", kind, lost, want, n[kind])
		}
	}
	// And is there again.
	if s, err = Serve([]Backend{{ns, []netip.AddrPort{at}}}); err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	if err := c.Refill(30 * time.Second); err != nil {
		t.Error(err)
	}
}
