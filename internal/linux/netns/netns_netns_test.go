package netns

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: makes network namespaces")
	}
}

func inode(t *testing.T) string {
	t.Helper()
	s, err := os.Readlink(threadNS)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestNewIsSeparate(t *testing.T) {
	needRoot(t)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ns, err := New()
	if err != nil {
		t.Fatal(err)
	}
	defer ns.Close()

	before := inode(t)
	var inside, sysctl string
	var ifs []net.Interface
	err = ns.Do(func() error {
		var err error
		inside, err = os.Readlink(threadNS)
		if err != nil {
			return err
		}
		if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o644); err != nil {
			return err
		}
		b, err := os.ReadFile("/proc/sys/net/ipv4/ip_forward")
		sysctl = strings.TrimSpace(string(b))
		ifs, _ = net.Interfaces()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if inside == before || inside == "" {
		t.Errorf("inside %q, outside %q: want different namespaces", inside, before)
	}
	if after := inode(t); after != before {
		t.Errorf("calling thread moved from %s to %s", before, after)
	}
	if len(ifs) != 1 || ifs[0].Name != "lo" {
		t.Errorf("interfaces inside: %v, want lo alone", ifs)
	}
	if sysctl != "1" {
		t.Errorf("sysctl inside is %q after writing 1", sysctl)
	}
	// The first thread of the process never enters a namespace.
	leader, _ := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", os.Getpid()))
	if leader != before {
		t.Errorf("the process's first thread is in %s, want %s", leader, before)
	}
}

func TestDoReturnsErrorsAndGoexit(t *testing.T) {
	needRoot(t)
	ns, err := New()
	if err != nil {
		t.Fatal(err)
	}
	defer ns.Close()
	want := errors.New("inside")
	if err := ns.Do(func() error { return want }); !errors.Is(err, want) {
		t.Errorf("Do gave %v, want %v", err, want)
	}
	if err := ns.Do(func() error { runtime.Goexit(); return nil }); !errors.Is(err, errGoexit) {
		t.Errorf("Do of a func that ends its goroutine gave %v, want %v", err, errGoexit)
	}
}

func TestStartRunsInside(t *testing.T) {
	needRoot(t)
	ns, err := New()
	if err != nil {
		t.Fatal(err)
	}
	defer ns.Close()
	var out bytes.Buffer
	cmd := exec.Command("readlink", "/proc/self/ns/net", ns.Path())
	cmd.Stdout = &out
	if err := ns.Run(cmd); err != nil {
		t.Fatal(err)
	}
	got := strings.Fields(out.String())
	if len(got) != 2 || got[0] != got[1] || got[0] == inode(t) {
		t.Errorf("program saw itself in %v, outside is %s", got, inode(t))
	}
}

// A program with a death signal must outlive the call that started it, and
// must not outlive the namespace.
func TestStartPdeathsig(t *testing.T) {
	needRoot(t)
	ns, err := New()
	if err != nil {
		t.Fatal(err)
	}
	defer ns.Close()
	in, hold, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer hold.Close()
	cmd := exec.Command("cat")
	cmd.Stdin = in
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := ns.Start(cmd); err != nil {
		t.Fatal(err)
	}
	in.Close()
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for range 50 { // threads come and go meanwhile
		if err := ns.Do(func() error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case err := <-ended:
		t.Fatalf("program ended while its namespace was open: %v", err)
	default:
	}
	if err := ns.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Error("program outlived its namespace")
	}
	if err := ns.Start(exec.Command("true")); !errors.Is(err, errClosed) {
		t.Errorf("Start after Close gave %v, want %v", err, errClosed)
	}
}

func TestNamed(t *testing.T) {
	needRoot(t)
	name := fmt.Sprintf("hfw-named-%d", os.Getpid())
	ns, err := NewNamed(name)
	if err != nil {
		t.Fatal(err)
	}
	defer ns.Close()
	path := filepath.Join(Dir, name)
	if ns.Path() != path {
		t.Errorf("Path is %s, want %s", ns.Path(), path)
	}
	again, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	var a, b string
	if err := errors.Join(
		ns.Do(func() (err error) { a, err = os.Readlink(threadNS); return err }),
		again.Do(func() (err error) { b, err = os.Readlink(threadNS); return err }),
	); err != nil {
		t.Fatal(err)
	}
	if a != b || a == "" {
		t.Errorf("by handle %q, by name %q: want the same", a, b)
	}
	if _, err := NewNamed(name); err == nil {
		t.Error("a second namespace took the same name")
	}
	if err := ns.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is left behind: %v", path, err)
	}
	for _, bad := range []string{"", ".", "..", "a/b"} {
		if _, err := NewNamed(bad); err == nil {
			t.Errorf("name %q was accepted", bad)
		}
	}
}

// Without root a namespace works inside a user namespace of one's own.
func TestUserNamespace(t *testing.T) {
	if os.Getenv("NETNS_TEST_CHILD") == "1" {
		ns, err := New()
		if err != nil {
			t.Fatal(err)
		}
		defer ns.Close()
		if err := ns.Run(exec.Command("true")); err != nil {
			t.Fatal(err)
		}
		return
	}
	needRoot(t)
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestUserNamespace$", "-test.v")
	cmd.Env = append(os.Environ(), "NETNS_TEST_CHILD=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Credential:  &syscall.Credential{Uid: 0, Gid: 0},
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: 65534, Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: 65534, Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !bytes.Contains(out, []byte("PASS")) {
		t.Fatalf("the child did not run the test:\n%s", out)
	}
}
