package matrix

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/holdfast-net/holdfast/interop/peer"
)

var binaryFlag = flag.String("holdfast", "", "the binary; built when empty")

// built is holdfast as TestMain built it, or why there is none.
var built struct {
	path string
	err  error
}

func TestMain(m *testing.M) {
	// Half of the time is waiting for nodes to be in sync.
	if err := flag.Set("test.parallel", "4"); err != nil {
		panic(err)
	}
	flag.Parse()
	os.Exit(func() int {
		if os.Geteuid() == 0 {
			dir, err := os.MkdirTemp("", "holdfast-matrix-")
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
			defer os.RemoveAll(dir)
			if built.path = *binaryFlag; built.path == "" {
				built.path, built.err = peer.Build(dir)
			}
		}
		return m.Run()
	}())
}

func product(t testing.TB) string {
	t.Helper()
	if built.err != nil {
		t.Fatal(built.err)
	}
	return built.path
}

// mode is how packets get to backends.
type mode struct {
	name    string
	forward string
	tunnel  string
	crossed bool // backends are reached by the other family
	mac     peer.MAC
}

// direct tells whether backends answer clients themselves.
func (m mode) direct() bool { return m.forward == "dsr" || m.forward == "tunnel" }

var modes = []mode{
	{name: "nat", forward: "nat", mac: peer.PhysicalMAC},
	{name: "full-nat", forward: "full-nat", mac: peer.PhysicalMAC},
	{name: "dsr", forward: "dsr", mac: peer.PhysicalMAC},
	{name: "ipip", forward: "tunnel", tunnel: "ipip", mac: peer.PhysicalMAC},
	{name: "gue", forward: "tunnel", tunnel: "gue", mac: peer.PhysicalMAC},
	{name: "proxy", forward: "proxy", mac: peer.PhysicalMAC},
	{name: "ipip over the other family", forward: "tunnel", tunnel: "ipip", crossed: true, mac: peer.PhysicalMAC},
	{name: "gue over the other family", forward: "tunnel", tunnel: "gue", crossed: true, mac: peer.PhysicalMAC},
	{name: "nat with virtual MACs", forward: "nat", mac: peer.VirtualMAC},
	{name: "full-nat with virtual MACs", forward: "full-nat", mac: peer.VirtualMAC},
	{name: "dsr with virtual MACs", forward: "dsr", mac: peer.VirtualMAC},
	{name: "gue with virtual MACs", forward: "tunnel", tunnel: "gue", mac: peer.VirtualMAC},
	{name: "proxy with virtual MACs", forward: "proxy", mac: peer.VirtualMAC},
}

// Every way to forward, with every scheduler, of both families.
func TestMatrix(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: it makes network namespaces")
	}
	if _, err := exec.LookPath("nginx"); err != nil {
		t.Skipf("needs nginx: %v", err)
	}
	for _, m := range modes {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, m)
			s.run(schedulers[0])
			kept := s.keep()
			for i, sch := range schedulers {
				if i > 0 {
					s.reload(sch)
				}
				s.round(sch, kept)
			}
		})
	}
}
