package program

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// nobody is a real account without rights.
func nobody(t *testing.T) Account {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: it runs programs as other users")
	}
	a, err := Lookup("nobody", "")
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// open is a folder that everybody may search.
func open(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for d := dir; strings.HasPrefix(d, filepath.Clean(os.TempDir())+"/"); d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// run runs a program to its end.
func run(t *testing.T, c Command) Outcome {
	t.Helper()
	p := Start(c)
	select {
	case <-p.Done:
	case <-time.After(time.Minute):
		p.Kill()
		t.Fatalf("%q does not end", c.Argv)
	}
	return p.Outcome()
}

// acl is an access control list as the kernel takes it: tag, permissions, id.
func acl(entries ...[3]uint32) []byte {
	b := binary.LittleEndian.AppendUint32(nil, 2)
	for _, e := range entries {
		b = binary.LittleEndian.AppendUint16(b, uint16(e[0]))
		b = binary.LittleEndian.AppendUint16(b, uint16(e[1]))
		b = binary.LittleEndian.AppendUint32(b, e[2])
	}
	return b
}

// TestRunnable_AgreesWithTheKernel makes folders and programs with modes,
// owners, groups and access control lists at random, and has the kernel run
// them as a user without rights.
func TestRunnable_AgreesWithTheKernel(t *testing.T) {
	who := nobody(t)
	const member, stranger = 54321, 54322
	who.Groups = []uint32{member}
	dir := filepath.Join(open(t), "a")
	binaryFile, script := filepath.Join(dir, "b", "binary"), filepath.Join(dir, "b", "script")
	must(t, os.MkdirAll(filepath.Dir(script), 0o755))
	data, err := os.ReadFile("/bin/true")
	must(t, err)
	must(t, os.WriteFile(binaryFile, data, 0o755))
	must(t, os.WriteFile(script, []byte("#!/bin/sh\nexit 0\n"), 0o755))
	nul := ^uint32(0)
	lists := unix.Setxattr(script, "system.posix_acl_access", acl([3]uint32{1, 7, nul}, [3]uint32{4, 5, nul}, [3]uint32{0x20, 5, nul}), 0) == nil

	seed := uint64(time.Now().UnixNano())
	rng := rand.New(rand.NewPCG(seed, 1))
	yes := 0
	for i := range 300 {
		for _, name := range []string{dir, filepath.Dir(script), binaryFile, script} {
			_ = unix.Removexattr(name, "system.posix_acl_access") // it may have none
			uid, gid := []int{0, int(who.UID), 4321}[rng.IntN(3)], []int{0, int(who.GID), member, stranger}[rng.IntN(4)]
			must(t, os.Chown(name, uid, gid))
			mode := os.FileMode(0)
			for class := range 3 {
				// Mostly enough, or hardly anything would be.
				bits := os.FileMode([]int{7, 5, 5, 5, 1, 4, 0}[rng.IntN(7)])
				mode |= bits << (3 * class)
			}
			must(t, os.Chmod(name, mode))
			if lists && rng.IntN(2) == 0 {
				any := func() uint32 { return uint32(rng.IntN(8)) }
				must(t, unix.Setxattr(name, "system.posix_acl_access", acl(
					[3]uint32{1, uint32(mode >> 6), nul},
					[3]uint32{aclUser, any(), []uint32{who.UID, 777}[rng.IntN(2)]},
					[3]uint32{aclGroupObj, any(), nul},
					[3]uint32{aclGroup, any(), []uint32{member, stranger}[rng.IntN(2)]},
					[3]uint32{aclMask, any(), nul},
					[3]uint32{0x20, uint32(mode & 7), nul},
				), 0))
			}
		}
		name := []string{binaryFile, script}[i%2]
		said := Runnable(Disk(), name, who)
		got := run(t, Command{Argv: []string{name}, Account: &who})
		// A script that cannot be read is started, and its interpreter
		// gives up: that is not running it.
		if ran := got.Failure() == nil; ran != (said == nil) {
			t.Errorf("seed %d, round %d: the kernel says %v (%s), the walk %v", seed, i, got.Failure(), got.Output, said)
		} else if ran {
			yes++
		}
	}
	if yes < 20 || yes > 280 {
		t.Errorf("seed %d: %d of 300 could be run: the test proves little", seed, yes)
	}
	t.Logf("%d of 300 could be run; access control lists: %t", yes, lists)
}

func TestRunnable_NoExec(t *testing.T) {
	who := nobody(t)
	dir := filepath.Join(open(t), "mnt")
	must(t, os.Mkdir(dir, 0o755))
	must(t, unix.Mount("none", dir, "tmpfs", unix.MS_NOEXEC, "size=64k,mode=755"))
	t.Cleanup(func() { must(t, unix.Unmount(dir, 0)) })
	name := filepath.Join(dir, "script")
	must(t, os.WriteFile(name, []byte("#!/bin/sh\n"), 0o755))
	if err := Runnable(Disk(), name, who); err == nil || !strings.Contains(err.Error(), "mounted noexec") {
		t.Errorf("%v", err)
	}
	got := run(t, Command{Argv: []string{name}})
	if got.Started() || !strings.Contains(got.Failure().Error(), "mounted noexec") {
		t.Errorf("a start that fails says %v", got.Failure())
	}
}

// A start that fails says which permission is missing, not only that one is.
func TestStart_SaysWhatIsMissing(t *testing.T) {
	who := nobody(t)
	dir := filepath.Join(open(t), "private")
	must(t, os.Mkdir(dir, 0o700))
	name := filepath.Join(dir, "script")
	must(t, os.WriteFile(name, []byte("#!/bin/sh\n"), 0o755))
	got := run(t, Command{Argv: []string{name}, Account: &who})
	want := fmt.Sprintf("%s is not searchable for user nobody: mode 0700, owner root", dir)
	var o *Obstacle
	if !errors.As(got.Failure(), &o) || o.Text != want || o.Hint != "chmod o+x "+dir {
		t.Errorf("%v %+v", got.Failure(), o)
	}
}

func TestStart_AsAnotherUser(t *testing.T) {
	who := nobody(t)
	who.Groups = []uint32{54321, 54322}
	out := run(t, Command{
		Argv: []string{"/bin/sh", "-c", "id -u; id -g; id -G; cat /proc/self/status | grep Cap; cat /proc/self/environ | tr '\\0' '\\n' | grep -c HOLDFAST_RUN"}, Account: &who,
		Env: Environment(os.Environ(), who.Environment()...),
	})
	if out.Failure() != nil || out.First != "65534" || !strings.Contains(out.Output, "CapAmb:\t0000000000000000") || !strings.HasSuffix(out.Output, " | 1") {
		t.Errorf("%+v", out)
	}
	all := run(t, Command{Argv: []string{"/usr/bin/id", "-G"}, Account: &who})
	if all.First != "65534 54321 54322" {
		t.Errorf("groups %q", all.First)
	}
	caps := run(t, Command{Argv: []string{"/bin/grep", "CapEff", "/proc/self/status"}, Account: &who})
	if !bytes.Contains([]byte(caps.First), []byte("0000000000000000")) {
		t.Errorf("it has capabilities: %s", caps.First)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
