package journal

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-net/holdfast/internal/api"
)

// TestJournal_OnAFullFileSystem fills a real, tiny file system. The mount
// lives in a mount namespace of a child process and vanishes with it.
func TestJournal_OnAFullFileSystem(t *testing.T) {
	const child = "HOLDFAST_TEST_FULL_DISK"
	if dir := os.Getenv(child); dir != "" {
		fullFileSystem(t, dir)
		return
	}
	if os.Geteuid() != 0 {
		t.Skip("mounting a file system needs root")
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), child+"="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS")) {
		t.Fatalf("in the child: %v\n%s", err, out)
	}
}

func fullFileSystem(t *testing.T, dir string) {
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Fatal(err)
	}
	ballast := filepath.Join(dir, "ballast")
	j := open(t, filepath.Join(dir, "journal"), Options{})
	j.Append(api.Event{Reason: "before"})
	waitWritten(t, j, filepath.Join(dir, "journal"))
	if err := os.WriteFile(ballast, make([]byte, 1<<20), 0o600); err == nil {
		t.Fatal("the file system did not fill up")
	}
	for range 100 {
		j.Append(api.Event{Reason: strings.Repeat("x", 200)})
	}
	poll(t, "trouble is reported", func() bool {
		err := j.Err()
		return err != nil && strings.Contains(err.Error(), "no space left on device")
	})
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	poll(t, "it recovers", func() bool { return j.Err() == nil })
	waitWritten(t, j, filepath.Join(dir, "journal"))
	got, err := Read(filepath.Join(dir, "journal"), 0)
	if err != nil {
		t.Fatal(err)
	}
	codes := map[string]int{}
	for _, ev := range got {
		codes[ev.Code]++
	}
	if diff := cmp.Diff(map[string]int{"": 101, CodeTrouble: 1, CodeRecovered: 1}, codes); diff != "" {
		t.Errorf("entries on disk by code (-want +got):\n%s", diff)
	}
	for i, ev := range got {
		if ev.ID != uint64(i+1) {
			t.Fatalf("entry %d has id %d", i, ev.ID)
		}
	}
}

func poll(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
