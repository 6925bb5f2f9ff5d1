package hands

import (
	"os"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/linux/netns"
	"github.com/holdfast-net/holdfast/internal/linux/netns/netnstest"
)

// within runs f in a network namespace of its own.
func within(t *testing.T, f func()) {
	t.Helper()
	ns, err := netns.New()
	if err != nil {
		t.Fatal(err)
	}
	defer ns.Close()
	if err := ns.Do(func() error { f(); return nil }); err != nil {
		t.Fatal(err)
	}
}

func TestLock_IsForOneInANamespace(t *testing.T) {
	netnstest.Need(t)
	within(t, func() {
		unlock, err := lock(turnName)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := lock(turnName); err == nil || !strings.Contains(err.Error(), "another holdfast works here (process ") {
			t.Errorf("a second lock: %v", err)
		}
		within(t, func() {
			other, err := lock(turnName)
			if err != nil {
				t.Errorf("in another namespace: %v", err)
				return
			}
			other()
		})
		unlock()
		again, err := lock(turnName)
		if err != nil {
			t.Fatalf("after the first one ended: %v", err)
		}
		again()
	})
}

// Anybody may take the name. Who may not change addresses locks nobody out.
func TestLock_IsNotForStrangers(t *testing.T) {
	netnstest.Need(t)
	within(t, func() {
		ns, err := os.Open("/proc/thread-self/ns/net")
		if err != nil {
			t.Fatal(err)
		}
		defer ns.Close()
		taken := make(chan error)
		done := make(chan struct{})
		defer close(done)
		go func() {
			runtime.LockOSThread() // never unlocked: the thread ends with its user
			fd, err := strangersLock(int(ns.Fd()))
			taken <- err
			<-done
			_ = unix.Close(fd)
		}()
		if err := <-taken; err != nil {
			t.Fatal(err)
		}
		unlock, err := lock(turnName)
		if err != nil {
			t.Fatal(err)
		}
		unlock()
	})
}

// strangersLock takes the name as a user that is not root.
func strangersLock(ns int) (int, error) {
	if err := unix.Setns(ns, unix.CLONE_NEWNET); err != nil {
		return -1, err
	}
	if _, _, e := unix.RawSyscall(unix.SYS_SETRESUID, 12345, 12345, 12345); e != 0 {
		return -1, e
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: turnName}); err != nil {
		return fd, err
	}
	return fd, unix.Listen(fd, 1)
}
