package interop

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/lab"
	"github.com/holdfast-net/holdfast/interop/peer"
	"github.com/holdfast-net/holdfast/interop/wire"
)

// binary is holdfast as TestMain built it, or why there is none.
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
		if os.Geteuid() == 0 && !*control {
			dir, err := os.MkdirTemp("", "holdfast-interop-")
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

// control puts keepalived in holdfast's place. A test that fails then too says
// something about the test, or about keepalived.
var control = flag.Bool("control", false, "run keepalived against keepalived")

// product is what is tested.
func product() peer.Kind {
	if *control {
		return peer.Keepalived
	}
	return peer.Holdfast
}

// eachWay runs a test twice: with the peer on node a, which is the one to be
// active, and holdfast on b, and the other way round.
func eachWay(t *testing.T, other peer.Kind, f func(t *testing.T, a, b peer.Kind)) {
	t.Parallel()
	t.Run(string(other)+" to be active", func(t *testing.T) {
		need(t, other, product())
		t.Parallel()
		f(t, other, product())
	})
	t.Run(string(product())+" to be active", func(t *testing.T) {
		need(t, other, product())
		t.Parallel()
		f(t, product(), other)
	})
}

// need skips where this machine cannot run the test, and says why.
func need(t *testing.T, kinds ...peer.Kind) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: it makes network namespaces")
	}
	for _, kind := range kinds {
		if kind == peer.Holdfast && binary.err != nil {
			t.Fatal(binary.err)
		}
		if err := peer.Have(kind); err != nil {
			t.Skipf("needs %s, which `make test` installs: %v", kind, err)
		}
	}
}

// The LAN of all tests: two nodes, a client, and an address that moves.
var (
	prefix4 = map[string]netip.Prefix{
		"a":      netip.MustParsePrefix("192.0.2.1/24"),
		"b":      netip.MustParsePrefix("192.0.2.2/24"),
		"client": netip.MustParsePrefix("192.0.2.100/24"),
	}
	prefix6 = map[string]netip.Prefix{
		"a":      netip.MustParsePrefix("2001:db8::1/64"),
		"b":      netip.MustParsePrefix("2001:db8::2/64"),
		"client": netip.MustParsePrefix("2001:db8::100/64"),
	}
	macs = map[string]net.HardwareAddr{"a": {2, 0, 0, 0, 0, 0xa}, "b": {2, 0, 0, 0, 0, 0xb}, "client": {2, 0, 0, 0, 0, 0xc}}

	vip4  = netip.MustParsePrefix("192.0.2.10/24")
	vip6  = netip.MustParsePrefix("2001:db8::10/64")
	local = netip.MustParsePrefix("fe80::10/64")
)

// answerTime is how long answers to one question are collected.
const answerTime = 200 * time.Millisecond

// echoPort is where every host says its name.
const echoPort = 7

// bed is a LAN with what is captured on it.
type bed struct {
	t       *testing.T
	lan     *lab.LAN
	a, b    *lab.Host
	client  *lab.Host
	capture *wire.Capture
	dir     string
	starts  int
	global  []string // further lines at the top level of holdfast's file
}

// newBed makes the LAN. Node a has the owned addresses from the start.
func newBed(t *testing.T, owned ...netip.Prefix) *bed {
	t.Helper()
	lan, err := lab.New()
	if err != nil {
		t.Fatal(err)
	}
	b := &bed{t: t, lan: lan}
	t.Cleanup(func() {
		if err := lan.Close(); err != nil {
			t.Error(err)
		}
	})
	// Not t.TempDir: with a test's name in it the path of a socket gets too
	// long (108 bytes, unix(7)).
	if b.dir, err = os.MkdirTemp("", "hf-"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(b.dir) })
	if err := os.Chmod(b.dir, 0o755); err != nil { // FRR is not root
		t.Fatal(err)
	}
	for name, host := range map[string]**lab.Host{"a": &b.a, "b": &b.b, "client": &b.client} {
		addresses := []netip.Prefix{prefix4[name], prefix6[name]}
		if name == "a" {
			addresses = append(addresses, owned...)
		}
		*host, err = lan.Add(lab.HostConfig{Name: name, MAC: macs[name], Addresses: addresses, Echo: echoPort})
		if err != nil {
			t.Fatal(err)
		}
	}
	b.capture, err = wire.Start(lan.Switch(), "switch", wire.All())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.capture.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// start starts a daemon on a host. A failed test shows its log.
func (b *bed) start(kind peer.Kind, host *lab.Host, routers ...peer.Router) peer.Daemon {
	b.t.Helper()
	b.starts++
	opt := peer.Options{
		Dir:    filepath.Join(b.dir, fmt.Sprintf("%s-%d", host.Name(), b.starts)),
		Binary: binary.path,
	}
	switch kind {
	case peer.Holdfast:
		opt.Global = b.global
	case peer.Keepalived:
		// In the real-time class, as holdfast is: without it a busy machine
		// looks like a dead peer. The limit would kill it there.
		opt.Global = []string{"vrrp_rt_priority 50", "vrrp_rlimit_rttime 500000"}
	}
	d, err := peer.Start(kind, host, opt, routers...)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() {
		if b.t.Failed() {
			b.t.Logf("%s on %s:\n%s", kind, host.Name(), ending(d.Log()))
		}
		if err := d.Kill(); err != nil {
			b.t.Error(err)
		}
	})
	return d
}

// ending is the part of a log that can be read: a daemon that says something
// about every packet says it hundreds of times.
func ending(log string) string {
	const most = 8 << 10
	if len(log) <= most {
		return log
	}
	return "...\n" + log[len(log)-most:]
}

// stop ends a daemon as an operator would.
func (b *bed) stop(d peer.Daemon) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := d.Stop(ctx); err != nil {
		b.t.Fatalf("cannot stop %s: %v", d.Kind(), err)
	}
}

// pollEvery is how often the state of things is looked at.
const pollEvery = 20 * time.Millisecond

var errNotYet = errors.New("not yet")

// within polls until f has nothing to complain about, and fails the test with
// the last complaint if that takes too long.
func (b *bed) within(patience time.Duration, what string, f func() error) {
	b.t.Helper()
	deadline, tick := time.Now().Add(patience), time.Tick(pollEvery)
	for {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			b.t.Fatalf("%s: not within %v: %v", what, patience, err)
		}
		<-tick
	}
}

// state waits until a daemon's group is in a state.
func (b *bed) state(d peer.Daemon, want string) {
	b.t.Helper()
	b.within(15*time.Second, fmt.Sprintf("%s is %s", d.Kind(), want), func() error {
		got, err := d.State("web")
		if err == nil && got != want {
			err = fmt.Errorf("it is %s", got)
		}
		return err
	})
}

// answers waits until the host, and nobody else, answers a client who has
// never heard of the address before.
func (b *bed) answers(vip netip.Prefix, want *lab.Host) {
	b.t.Helper()
	b.within(10*time.Second, fmt.Sprintf("%s alone answers for %s", want.Name(), vip.Addr()), func() error {
		found, err := b.lan.WhoHas(b.client, vip.Addr(), answerTime)
		if err != nil {
			return err
		}
		var names []string
		for _, f := range found {
			if !slices.Contains(names, f.Host) {
				names = append(names, f.Host)
			}
		}
		if len(names) != 1 || names[0] != want.Name() {
			return fmt.Errorf("these answer: %s", strings.Join(names, ", "))
		}
		return nil
	})
}

// unanswered waits until nobody answers.
func (b *bed) unanswered(vip netip.Prefix) {
	b.t.Helper()
	b.within(10*time.Second, fmt.Sprintf("nobody answers for %s", vip.Addr()), func() error {
		found, err := b.lan.WhoHas(b.client, vip.Addr(), answerTime)
		if err == nil && len(found) > 0 {
			err = fmt.Errorf("%s answers", found[0].Host)
		}
		return err
	})
}

// adverts are those that a host sent since an instant, by its addresses.
func (b *bed) adverts(from *lab.Host, since time.Time) []wire.Advert {
	var own []netip.Addr
	err := from.Do(func() error {
		addrs, err := net.InterfaceAddrs()
		for _, a := range addrs {
			if p, err := netip.ParsePrefix(a.String()); err == nil {
				own = append(own, p.Addr())
			}
		}
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	var out []wire.Advert
	for _, a := range wire.Adverts(b.capture.Frames()) {
		if !a.At.Before(since) && slices.Contains(own, a.Src) {
			out = append(out, a)
		}
	}
	return out
}

// steady checks for a while that something stays as it is.
func (b *bed) steady(d time.Duration, what string, f func() error) {
	b.t.Helper()
	deadline, tick := time.Now().Add(d), time.Tick(pollEvery)
	for time.Now().Before(deadline) {
		if err := f(); err != nil {
			b.t.Fatalf("%s: no longer: %v", what, err)
		}
		<-tick
	}
}

// holds says what is wrong if a daemon's group is in another state.
func holds(d peer.Daemon, want string) func() error {
	return func() error {
		got, err := d.State("web")
		if err != nil {
			return err
		}
		if got != want {
			return errors.New(string(d.Kind()) + " is " + got)
		}
		return nil
	}
}
