package fence

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/interop/peer"
)

// guestDir is where scripts/guest unpacks the guest's kernel.
const guestDir = "/var/cache/holdfast-test/guest"

// boot is how long a guest may take for all that it does. QEMU translates its
// code, so that it runs without KVM, which is not usable in every virtual
// machine: a tenth of this on an idle one.
const boot = 4 * time.Minute

// A machine is reset when its daemon is wedged, dies for good or cannot let go
// of what it took, and not while it holds, after it stopped in order, or when it
// died and came back in time.
func TestWatchdog_ResetsTheMachine(t *testing.T) {
	need(t)
	g := prepare(t)
	for scenario, reset := range map[string]bool{
		"kept": false, "wedged": true, "killed": true, "restarted": false, "stopped": false, "stuck": true,
	} {
		t.Run(scenario, func(t *testing.T) {
			t.Parallel()
			said := g.run(t, scenario)
			if !strings.Contains(said, "GUEST: armed") {
				t.Fatalf("the watchdog was not armed:\n%s", said)
			}
			switch survived := strings.Contains(said, "GUEST: survived"); {
			case survived == reset && reset:
				t.Errorf("the machine was not reset:\n%s", said)
			case survived == reset:
				t.Errorf("the machine was reset:\n%s", said)
			}
			if scenario == "stopped" && !strings.Contains(said, "the watchdog is inactive") {
				t.Errorf("the watchdog still runs:\n%s", said)
			}
			if scenario == "restarted" && !strings.Contains(said, "the watchdog is active") {
				t.Errorf("the second daemon does not hold with the watchdog:\n%s", said)
			}
		})
	}
}

// need skips where this machine cannot run a guest, and says why.
func need(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: for the cache of the guest's kernel")
	}
	for _, program := range []string{"qemu-system-x86_64", "busybox"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("cannot run a guest: %v (scripts/need installs it)", err)
		}
	}
}

// guest is a kernel and a disk in memory.
type guest struct{ kernel, initrd string }

func prepare(t *testing.T) guest {
	t.Helper()
	if out, err := exec.Command("../../scripts/guest", guestDir).CombinedOutput(); err != nil {
		t.Fatalf("cannot get the guest's kernel: %v\n%s", err, out)
	}
	root := t.TempDir()
	for _, dir := range []string{"bin", "dev", "etc", "modules", "proc", "run", "sys", "var/lib/holdfast", "tmp"} {
		must(t, os.MkdirAll(filepath.Join(root, dir), 0o755))
	}
	built, err := peer.Build(t.TempDir())
	must(t, err)
	busybox, err := exec.LookPath("busybox")
	must(t, err)
	copyFile(t, built, filepath.Join(root, "bin/holdfast"))
	copyFile(t, busybox, filepath.Join(root, "bin/busybox"))
	copyFile(t, "testdata/init", filepath.Join(root, "init"))
	copyFile(t, "testdata/guest.yaml", filepath.Join(root, "etc/holdfast.yaml"))
	must(t, os.WriteFile(filepath.Join(root, "bin/undo"), []byte("#!/bin/busybox sh\n[ ! -e /run/stuck ]\n"), 0o755))
	modules, err := filepath.Glob(guestDir + "/lib/modules/*/kernel/*/*/*.ko")
	must(t, err)
	more, err := filepath.Glob(guestDir + "/lib/modules/*/kernel/*/*.ko")
	must(t, err)
	for _, m := range append(modules, more...) {
		copyFile(t, m, filepath.Join(root, "modules", filepath.Base(m)))
	}
	kernels, err := filepath.Glob(guestDir + "/boot/vmlinuz-*")
	must(t, err)
	g := guest{kernel: kernels[0], initrd: filepath.Join(t.TempDir(), "initrd")}
	pack := exec.Command("sh", "-c", `find . | busybox cpio -o -H newc >"$1"`, "sh", g.initrd)
	pack.Dir = root
	if out, err := pack.CombinedOutput(); err != nil {
		t.Fatalf("cannot pack the guest's files: %v\n%s", err, out)
	}
	return g
}

// run boots a guest and returns what it said, once it was reset by its watchdog
// or by its init: both end QEMU.
func (g guest) run(t *testing.T, scenario string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), boot)
	defer cancel()
	cmd := exec.CommandContext(ctx, "qemu-system-x86_64",
		"-machine", "pc,accel=tcg", "-cpu", "max", "-m", "768", "-nodefaults", "-display", "none", "-no-reboot", "-serial", "stdio",
		"-device", "i6300esb", "-action", "watchdog=reset", "-kernel", g.kernel, "-initrd", g.initrd,
		"-append", "console=ttyS0 quiet panic=-1 scenario="+scenario)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		t.Fatalf("cannot run the guest: %v\n%s", err, said.String())
	}
	return said.String()
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	must(t, err)
	must(t, os.WriteFile(to, b, 0o755))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
