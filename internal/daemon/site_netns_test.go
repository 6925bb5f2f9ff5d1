package daemon_test

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-net/holdfast/internal/lab"
	"github.com/holdfast-net/holdfast/interop/peer"
	"github.com/holdfast-net/holdfast/interop/wire"
)

// binary is holdfast as TestMain built it, or why there is none. What users
// install is what is tested here, in network namespaces.
var binary struct {
	path string
	err  error
}

func TestMain(m *testing.M) {
	// Most of each test is waiting for a protocol's timers, not work.
	if err := flag.Set("test.parallel", "4"); err != nil {
		panic(err)
	}
	flag.Parse()
	os.Exit(func() int {
		if os.Geteuid() == 0 {
			dir, err := os.MkdirTemp("", "holdfast-daemon-")
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
			defer os.RemoveAll(dir)
			binary.path, binary.err = peer.Build(dir)
		}
		return m.Run()
	}())
}

// The addresses of all tests.
var (
	vip  = netip.MustParsePrefix("192.0.2.10/24")
	vip6 = netip.MustParsePrefix("2001:db8::10/64")
	vip2 = netip.MustParsePrefix("192.0.2.20/24")
)

// echoPort is where every host says its name.
const echoPort = 7

// site is a LAN with two hosts that run holdfast and a client.
type site struct {
	t       *testing.T
	lan     *lab.LAN
	a, b    *node
	client  *lab.Host
	capture *wire.Capture
	dir     string
}

// newSite makes the LAN. The test runs beside others.
func newSite(t *testing.T) *site {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: it makes network namespaces")
	}
	if binary.err != nil {
		t.Fatal(binary.err)
	}
	t.Parallel()
	s := &site{t: t}
	var err error
	if s.lan, err = lab.New(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.must(s.lan.Close()) })
	// Not t.TempDir: with a test's name in it the path of a socket gets too
	// long (108 bytes, unix(7)).
	if s.dir, err = os.MkdirTemp("", "hfc-"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(s.dir) })
	s.must(os.Chmod(s.dir, 0o755)) // for daemons that are not root
	s.a, s.b = s.add("a", 1), s.add("b", 2)
	s.client = s.host("client", 100)
	s.capture, err = wire.Start(s.lan.Switch(), "switch", wire.VRRPOnly())
	s.must(err)
	t.Cleanup(func() { s.must(s.capture.Close()) })
	return s
}

func (s *site) host(name string, n byte) *lab.Host {
	s.t.Helper()
	six := netip.MustParseAddr("2001:db8::").As16()
	six[15] = n
	h, err := s.lan.Add(lab.HostConfig{
		Name: name, MAC: net.HardwareAddr{2, 0, 0, 0, 0, n}, Echo: echoPort,
		Addresses: []netip.Prefix{
			netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 0, 2, n}), 24),
			netip.PrefixFrom(netip.AddrFrom16(six), 64),
		},
	})
	s.must(err)
	return h
}

func (s *site) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// patience is how long anything may take on a machine that does ten other
// things. No test waits for it to pass.
const patience = 20 * time.Second

// within polls until f has nothing to complain about, and fails the test with
// the last complaint if that takes too long.
func (s *site) within(what string, f func() error) {
	s.t.Helper()
	deadline, tick := time.Now().Add(patience), time.Tick(20*time.Millisecond)
	for {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("%s: not within %v: %v", what, patience, err)
		}
		<-tick
	}
}

// answers waits until one host alone, or nobody if it is "", answers a client
// who has never heard of the address before, three times in a row.
func (s *site) answers(a netip.Prefix, want string) {
	s.t.Helper()
	row := 0
	s.within(fmt.Sprintf("%q alone answers for %s", want, a.Addr()), func() error {
		found, err := s.lan.WhoHas(s.client, a.Addr(), 100*time.Millisecond)
		if err != nil {
			return err
		}
		var names []string
		for _, f := range found {
			if !slices.Contains(names, f.Host) {
				names = append(names, f.Host)
			}
		}
		if got := strings.Join(names, " and "); got != want {
			row = 0
			return fmt.Errorf("%q answers", got)
		}
		if row++; row < 3 {
			return errors.New("only once yet")
		}
		return nil
	})
}

// probe starts a client that asks 1,000 times a second.
func (s *site) probe(a netip.Prefix) *lab.Prober {
	s.t.Helper()
	p, err := lab.StartProber(lab.ProbeConfig{
		From: s.client, To: netip.AddrPortFrom(a.Addr(), echoPort), For: 2 * time.Minute, Patience: 3 * time.Second,
	})
	s.must(err)
	s.t.Cleanup(p.Stop)
	s.within("the client is answered", func() error {
		if p.Report(time.Time{}, time.Now()).Answered == 0 {
			return errors.New("not once yet")
		}
		return nil
	})
	return p
}

// adverts are those for a VRID that were on the wire since an instant.
func (s *site) adverts(id uint8, since time.Time) []wire.Advert {
	var out []wire.Advert
	for _, a := range wire.Adverts(s.capture.Frames()) {
		if a.ID == id && !a.At.Before(since) {
			out = append(out, a)
		}
	}
	return out
}

// gaps complains about every pause between two adverts of a VRID that is
// longer than a backup would bear, and about priority 0. It is for a holder
// that nothing was to disturb.
func (s *site) gaps(id uint8, since time.Time, most time.Duration) {
	s.t.Helper()
	all := s.adverts(id, since)
	if len(all) < 2 {
		s.t.Errorf("VRID %d: %d adverts since %v", id, len(all), since)
	}
	for i, a := range all {
		if a.Priority == 0 {
			s.t.Errorf("VRID %d: it says priority 0 at %v", id, a.At)
		}
		if i > 0 && a.At.Sub(all[i-1].At) > most {
			s.t.Errorf("VRID %d: %v without an advert", id, a.At.Sub(all[i-1].At))
		}
	}
}

// over ends all daemons in order and looks whether anything is left of them:
// addresses, interfaces, rules, tables, settings, or a transition without a
// reason.
func (s *site) over() {
	s.t.Helper()
	for _, n := range []*node{s.b, s.a} {
		n.end()
	}
	for _, n := range []*node{s.a, s.b} {
		n.clean()
	}
	s.answers(vip, "")
}

// clean compares the host with what it was before.
func (n *node) clean() {
	n.s.t.Helper()
	if diff := cmp.Diff(n.before, n.machine()); diff != "" {
		n.s.t.Errorf("%s before and after (-before +after):\n%s", n.name, diff)
	}
	if _, err := os.Stat(n.kernel()); !errors.Is(err, os.ErrNotExist) {
		n.s.t.Errorf("%s: %s is left (%v)", n.name, n.kernel(), err)
	}
	n.reasons()
}

func one(a netip.Prefix) []netip.Prefix { return []netip.Prefix{a} }

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
