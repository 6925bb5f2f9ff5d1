package hands

import (
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/linux/gate"
	"github.com/holdfast-net/holdfast/internal/linux/macvlan"
	"github.com/holdfast-net/holdfast/vrrp"
)

// holder is the environment of a process that installs, waits for a line or to
// be killed, and then undoes all of it.
const holder = "HOLDFAST_TEST_HOLDER"

// TestHolder is that process.
func TestHolder(t *testing.T) {
	dir := os.Getenv(holder)
	if dir == "" {
		t.Skip("this is the process that other tests start")
	}
	if _, err := Sweep(dir); err != nil {
		t.Fatal(err)
	}
	results := make(chan engine.Result, 10)
	g, err := gate.Open(gate.Options{Dir: dir})
	must(t, err)
	h, err := New(Config{Deliver: func(r engine.Result) { results <- r }, Gate: g, Dir: dir})
	must(t, err)
	carry := func(kinds ...engine.OpKind) {
		for _, op := range left() {
			for _, kind := range kinds {
				op.Kind = kind
				h.Submit(op)
				res := <-results
				if res.Err != nil || len(res.Notes) > 0 || res.Why != "" {
					t.Fatal(res.Err, res.Notes, res.Why)
				}
				if kind == engine.OpPrepare {
					g.Set(res.Slot, open)
				}
			}
		}
	}
	carry(engine.OpPrepare, engine.OpInstall)
	os.Stdout.WriteString("held\n")
	if _, err := os.Stdin.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	carry(engine.OpRemove, engine.OpDiscard)
	must(t, h.Close())
	must(t, g.Close())
}

// startHolder starts it and returns once the addresses are on.
func startHolder(t *testing.T, dir string, attr *syscall.SysProcAttr) (cmd *exec.Cmd, stdin io.WriteCloser) {
	t.Helper()
	cmd = exec.Command("/proc/self/exe", "-test.run=^TestHolder$")
	cmd.Env = append(os.Environ(), holder+"="+dir)
	attr.Pdeathsig = syscall.SIGKILL
	cmd.SysProcAttr = attr
	out, err := cmd.StdoutPipe()
	must(t, err)
	stdin, err = cmd.StdinPipe()
	must(t, err)
	must(t, cmd.Start())
	line := make([]byte, 4096)
	n, err := out.Read(line)
	if err != nil || string(line[:n]) != "held\n" {
		t.Fatalf("the holder says %q (%v)", line[:n], err)
	}
	return cmd, stdin
}

// TestWithoutRoot does all of it as a user who has three capabilities only.
func TestWithoutRoot(t *testing.T) {
	l := newLAN(t)
	before := snapshot(t)
	const nobody = 65534
	dir := t.TempDir()
	must(t, os.Chown(dir, nobody, nobody))
	must(t, os.Chmod(filepath.Dir(dir), 0o755))
	cmd, stdin := startHolder(t, dir, &syscall.SysProcAttr{
		Credential:  &syscall.Credential{Uid: nobody, Gid: nobody},
		AmbientCaps: []uintptr{unix.CAP_NET_ADMIN, unix.CAP_NET_RAW, unix.CAP_BPF},
	})
	for _, op := range left() {
		mac := l.nodeMAC().String()
		if op.MAC == engine.MACVirtual {
			m := macvlan.MAC(op.Family, op.VRID)
			mac = net.HardwareAddr(m[:]).String()
		}
		l.expect(op.Addresses[0].Addr(), "held", mac)
	}
	if _, err := stdin.Write([]byte("\n")); err != nil {
		t.Fatal(err)
	}
	must(t, cmd.Wait())
	if diff := cmp.Diff(before, snapshot(t)); diff != "" {
		t.Errorf("before and after differ (-before +after):\n%s", diff)
	}
}

// left are the orders that the killed process had carried out.
func left() []engine.Op {
	four, six := order(engine.MACVirtual, "192.0.2.10/24"), order(engine.MACVirtual, "2001:db8::10/64")
	phys, phys6 := order(engine.MACPhysical, "192.0.2.11/24"), order(engine.MACPhysical, "2001:db8::11/64")
	phys.VRID, phys6.VRID = 52, 52
	return []engine.Op{four, six, phys, phys6}
}

// TestSweep kills a process that holds addresses of all kinds.
func TestSweep(t *testing.T) {
	l := newLAN(t)
	before := snapshot(t)
	dir := t.TempDir()
	cmd, _ := startHolder(t, dir, &syscall.SysProcAttr{})
	if _, err := Sweep(dir); err == nil || !strings.Contains(err.Error(), "another holdfast") {
		t.Errorf("sweep while another process holds: error %v, want one about it", err)
	}
	if _, err := New(Config{Dir: dir}); err == nil {
		t.Error("a second process may hold, want an error")
	}
	must(t, cmd.Process.Kill())
	cmd.Wait()

	v4, v6, phys := macvlan.MAC(vrrp.IPv4, 51), macvlan.MAC(vrrp.IPv6, 51), l.nodeMAC().String()
	answers := map[string]string{
		"192.0.2.10": net.HardwareAddr(v4[:]).String(), "2001:db8::10": net.HardwareAddr(v6[:]).String(),
		"192.0.2.11": phys, "2001:db8::11": phys,
	}
	for a, mac := range answers {
		l.expect(netip.MustParseAddr(a), "killed", mac)
	}
	did, err := Sweep(dir)
	must(t, err)
	for a := range answers {
		l.expect(netip.MustParseAddr(a), "swept")
		if !slices.ContainsFunc(did, func(s string) bool { return strings.Contains(s, a+"/") }) {
			t.Errorf("sweep does not say that it removed %s: %q", a, did)
		}
	}
	if diff := cmp.Diff(before, snapshot(t)); diff != "" {
		t.Errorf("before and after differ (-before +after):\n%s", diff)
	}
	did, err = Sweep(dir)
	if err != nil || len(did) != 0 {
		t.Errorf("a second sweep did %q, error %v; want nothing", did, err)
	}
}
