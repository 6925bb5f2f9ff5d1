package interop

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/interop/peer"
	"github.com/holdfast-net/holdfast/interop/wire"
	"github.com/holdfast-net/holdfast/internal/lab"
)

// binary is holdfast as TestMain built it, or why there is none.
var binary struct {
	path string
	err  error
}

func TestMain(m *testing.M) {
	os.Exit(func() int {
		if os.Geteuid() == 0 {
			dir, err := os.MkdirTemp("", "holdfast-interop-")
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
			defer os.RemoveAll(dir)
			binary.path, binary.err = build(dir)
		}
		return m.Run()
	}())
}

func build(dir string) (string, error) {
	path := filepath.Join(dir, "holdfast")
	cmd := exec.Command("go", "build", "-o", path, "../cmd/holdfast")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("cannot build holdfast: %w\n%s", err, out)
	}
	return path, nil
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
	vip4  = netip.MustParsePrefix("192.0.2.10/24")
	vip6  = netip.MustParsePrefix("2001:db8::10/64")
	local = netip.MustParsePrefix("fe80::10/64")
)

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
}

func newBed(t *testing.T) *bed {
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
		*host, err = lan.Add(lab.HostConfig{Name: name, Addresses: []netip.Prefix{prefix4[name], prefix6[name]}, Echo: echoPort})
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
	d, err := peer.Start(kind, host, opt, routers...)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() {
		if b.t.Failed() {
			b.t.Logf("%s on %s:\n%s", kind, host.Name(), d.Log())
		}
		if err := d.Kill(); err != nil {
			b.t.Error(err)
		}
	})
	return d
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

// within polls until f has nothing to complain about, and fails the test with
// the last complaint if that takes too long.
func (b *bed) within(patience time.Duration, what string, f func() error) {
	b.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			b.t.Fatalf("%s: not within %v: %v", what, patience, err)
		}
		time.Sleep(20 * time.Millisecond)
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
		found, err := b.lan.WhoHas(b.client, vip.Addr(), 200*time.Millisecond)
		if err != nil {
			return err
		}
		var names []string
		for _, f := range found {
			names = append(names, f.Host)
		}
		if len(names) != 1 || names[0] != want.Name() {
			return fmt.Errorf("these answer: %s", strings.Join(names, ", "))
		}
		return nil
	})
}

// steady checks for a while that something stays as it is.
func (b *bed) steady(d time.Duration, what string, f func() error) {
	b.t.Helper()
	deadline := time.Now().Add(d)
	for time.Now().Before(deadline) {
		if err := f(); err != nil {
			b.t.Fatalf("%s: no longer: %v", what, err)
		}
		time.Sleep(20 * time.Millisecond)
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
