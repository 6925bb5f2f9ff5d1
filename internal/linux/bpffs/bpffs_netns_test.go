package bpffs

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/linux/netns/netnstest"
)

func TestMain(m *testing.M) { netnstest.Main(m) }

// Where there is none, one is mounted, found again, kept while something is in
// it, and taken down.
func TestFolder(t *testing.T) {
	netnstest.Need(t)
	if is(shared) {
		t.Skip("this machine has a BPF file system, which is used then")
	}
	own := filepath.Join(t.TempDir(), "bpf")
	t.Cleanup(func() { _ = unix.Unmount(own, unix.MNT_DETACH) })
	for range 2 {
		dir, err := Folder(own, "a daemon")
		if err != nil || dir != own || !is(own) {
			t.Fatalf("Folder = %q, %v", dir, err)
		}
	}
	if err := os.Mkdir(filepath.Join(own, "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Release(own); err != nil || !is(own) {
		t.Errorf("with something in it: %v", err)
	}
	if err := os.Remove(filepath.Join(own, "x")); err != nil {
		t.Fatal(err)
	}
	if err := Release(own); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(own); !os.IsNotExist(err) {
		t.Errorf("it is there still: %v", err)
		b, _ := os.ReadFile("/proc/self/mountinfo")
		t.Log(string(b))
	}
}

// What somebody else has made where everybody may is not used, and what root has
// made for somebody is.
func TestTrusted(t *testing.T) {
	netnstest.Need(t)
	around := t.TempDir()
	dir := filepath.Join(around, "holdfast")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		around, mode os.FileMode
		owner        int
		ok           bool
	}{
		{0o777 | os.ModeSticky, 0o700, 0, true},
		{0o777 | os.ModeSticky, 0o700, 1000, false},
		{0o777 | os.ModeSticky, 0o777, 0, false},
		{0o700, 0o700, 1000, true},
	} {
		for _, err := range []error{os.Chmod(around, c.around), os.Chmod(dir, c.mode), os.Chown(dir, c.owner, c.owner)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := trusted(dir); (err == nil) != c.ok {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
