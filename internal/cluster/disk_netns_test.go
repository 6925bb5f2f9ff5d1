package cluster

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// disk mounts a file system of its own for a member's data.
func (s *site) disk(name, kind, options string, device string) {
	s.t.Helper()
	if os.Geteuid() != 0 {
		s.t.Skip("needs root: it mounts a disk")
	}
	if err := os.MkdirAll(s.dirs[name], 0o700); err != nil {
		s.t.Fatal(err)
	}
	if out, err := exec.Command("mount", "-t", kind, "-o", options, device, s.dirs[name]).CombinedOutput(); err != nil {
		s.t.Fatalf("mount: %v: %s", err, out)
	}
	at := s.dirs[name]
	s.t.Cleanup(func() {
		_ = exec.Command("fsfreeze", "--unfreeze", at).Run() // it may be
		s.stop(name)
		if out, err := exec.Command("umount", at).CombinedOutput(); err != nil {
			s.t.Errorf("umount: %v: %s", err, out)
		}
	})
}

// A member whose disk is full says so; the others go on; with room it is back.
func TestCluster_DiskFull(t *testing.T) {
	s := newSite(t, "a", "b", "c")
	s.disk("b", "tmpfs", "size=200m", "none")
	for _, n := range []string{"a", "b", "c"} {
		s.start(n)
	}
	s.whole("a", "b", "c")
	st := s.store()
	filler := filepath.Join(s.dirs["b"], "filler")
	fill(t, filler)
	n := uint64(0)
	until(t, func() bool {
		n++
		if err := s.renew(st, n, 2*time.Second); err != nil {
			t.Logf("renewal %d: %v", n, err)
		}
		_, trouble := s.keepers["b"].State()
		return strings.Contains(trouble, "no space left")
	})
	t.Logf("it ended after %d renewals", n)
	r := s.admin().Status(t.Context())
	if m := r.member("b"); !r.Majority() || m == nil {
		t.Errorf("a full disk of three: %+v", r)
	}
	for range 20 {
		if err := s.renew(st, n, 2*time.Second); err != nil {
			t.Errorf("without b: %v", err)
		}
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	s.whole("a", "b", "c")
}

// fill leaves no room on a disk.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, 1<<20)
	for len(b) > 0 {
		if _, err := f.Write(b); errors.Is(err, syscall.ENOSPC) {
			b = b[:len(b)/2]
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// A leader whose disk hangs is replaced within an election or so, and is a
// member again when its disk goes on.
func TestCluster_DiskHangs(t *testing.T) {
	s := newSite(t, "a", "b", "c")
	image := filepath.Join(t.TempDir(), "disk")
	f, err := os.Create(image)
	if err == nil {
		err = errors.Join(f.Truncate(300<<20), f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mkfs.ext4", "-q", image).CombinedOutput(); err != nil {
		t.Fatalf("mkfs.ext4: %v: %s", err, out)
	}
	s.disk("b", "ext4", "loop", image)
	for _, n := range []string{"a", "b", "c"} {
		s.start(n)
	}
	s.whole("a", "b", "c")
	st := s.store()
	until(t, func() bool { return s.renew(st, 1, time.Second) == nil })
	s.lead("b")
	d, err := os.Open(s.dirs["b"])
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	const fifreeze, fithaw = 0xC0045877, 0xC0045878 // ioctl_fsfreeze; linux/fs.h
	if err := unix.IoctlSetInt(int(d.Fd()), fifreeze, 0); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	until(t, func() bool { return s.renew(st, 2, 100*time.Millisecond) == nil })
	took := time.Since(begun)
	t.Logf("with the leader's disk hung a renewal took %s; an election takes 200 to 400 ms", took)
	if took > 5*time.Second { // on a machine that does much else
		t.Error("that is too long")
	}
	longest := time.Duration(0)
	for range 20 {
		begun := time.Now()
		until(t, func() bool { return s.renew(st, 3, 100*time.Millisecond) == nil })
		longest = max(longest, time.Since(begun))
	}
	t.Logf("after that at most %s", longest)
	if err := unix.IoctlSetInt(int(d.Fd()), fithaw, 0); err != nil {
		t.Fatal(err)
	}
	s.whole("a", "b", "c")
}

// lead makes a member the leader.
func (s *site) lead(name string) {
	s.t.Helper()
	a := s.admin()
	until(s.t, func() bool {
		w := s.word(name)
		if w == nil || w.State != Running || w.Leader == "" {
			return false
		}
		if w.Leader == name {
			return true
		}
		for _, i := range w.Members {
			if i.Name != name {
				continue
			}
			for _, p := range s.peers {
				if p.Name != w.Leader {
					continue
				}
				ctx, cancel := context.WithTimeout(s.t.Context(), time.Second)
				a.client.SetEndpoints(p.Client())
				_, _ = a.client.MoveLeader(ctx, i.ID)
				cancel()
			}
		}
		return false
	})
}
