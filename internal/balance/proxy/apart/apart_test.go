package apart

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/balance"
)

const role = "HOLDFAST_TEST_PROXY"

func TestMain(m *testing.M) {
	if os.Getenv(role) != "" {
		if err := Main(os.Stdin); err != nil {
			os.Stderr.WriteString(err.Error() + "\n")
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func start(t *testing.T) *Plane {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), role+"=1")
	cmd.Stderr = os.Stderr
	p, err := Start(cmd, (*exec.Cmd).Start)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// listen gives an echo server's address, and one that nobody listens at.
func listen(t *testing.T) (backend, free netip.AddrPort) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); _, _ = io.Copy(c, c) }()
		}
	}()
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	at := func(l net.Listener) netip.AddrPort { return l.Addr().(*net.TCPAddr).AddrPort() }
	return at(ln), at(other)
}

// plan has every kind of value that has to get through.
func plan(backend, at netip.AddrPort) *balance.Plan {
	return &balance.Plan{
		Service: &balance.Service{
			Name: "web", Listen: []balance.Endpoint{{AddrPort: at, Proto: balance.TCP}}, Forward: balance.Proxy,
			Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Proxying: balance.Proxying{Connect: 5 * time.Second},
			Backends: []balance.Backend{{Addr: backend, Weight: 1}},
		},
		Generation: 7, Select: balance.ByFlow, Targets: []balance.Target{{ID: 9, Addr: backend, Weight: 100}}, Table: []uint16{0}, Seed: [16]byte{1},
	}
}

func TestPlane_ServesFromAnotherProcess(t *testing.T) {
	p := start(t)
	backend, at := listen(t)
	if err := p.Apply([]*balance.Plan{plan(backend, at)}); err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", at.String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(c, "hello"); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 5)
	if _, err := io.ReadFull(c, b); err != nil || string(b) != "hello" {
		t.Fatalf("%q, %v", b, err)
	}
	if u, err := p.Usage("web"); err != nil || u[9].Flows != 1 || u[9].BytesIn != 5 {
		t.Errorf("usage %+v, %v", u, err)
	}
	// What the other side says is said here.
	if err := p.Apply([]*balance.Plan{plan(backend, netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), backend.Port()))}); err == nil ||
		!strings.HasPrefix(err.Error(), "cannot serve web: cannot listen at ") {
		t.Errorf("an address that is taken: %v", err)
	}
	if err := p.Close(false); err != nil {
		t.Error(err)
	}
	if _, err := c.Read(b); err == nil {
		t.Error("the connection outlives its proxy")
	}
}

func TestPlane_IsGoneWithItsProcess(t *testing.T) {
	p := start(t)
	backend, at := listen(t)
	if err := p.Apply([]*balance.Plan{plan(backend, at)}); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := p.Apply([]*balance.Plan{plan(backend, at)}); !errors.Is(err, balance.ErrGone) {
		t.Errorf("error %v", err)
	}
	if err := p.Close(false); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("error %v", err)
	}
}
