package netns

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// threadNS is the network namespace of the calling thread. /proc/self would
// be that of the process's first thread.
const threadNS = "/proc/thread-self/ns/net"

var (
	errGoexit = errors.New("the function ended its goroutine (a test that failed fatally inside Do does)")
	errClosed = errors.New("the network namespace is closed")
)

// onThread runs f on a thread that ends afterwards, because its goroutine
// ends without unlocking it.
func onThread(f func() error) error {
	err := errGoexit
	done := make(chan struct{})
	go func() {
		defer close(done)
		if leave := lockSideThread(); leave != nil {
			// On the first thread: occupy it while another goroutine, which
			// then must run elsewhere, does the work.
			defer leave()
			err = onThread(f)
			return
		}
		err = f()
	}()
	<-done
	return err
}

// lockSideThread locks the goroutine to its thread. If that is the first
// thread of the process, whose namespaces are what /proc/PID shows and which
// cannot end, it returns a func that unlocks it again.
func lockSideThread() (leave func()) {
	runtime.LockOSThread()
	if unix.Gettid() == unix.Getpid() {
		return runtime.UnlockOSThread
	}
	return nil
}

// keep returns the way to the thread that starts programs, after starting it
// at the first call.
func (ns *NS) keep() (chan<- func(), error) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	if ns.closed {
		return nil, errClosed
	}
	if ns.keeper != nil {
		return ns.keeper, nil
	}
	work := make(chan func())
	entered := make(chan error, 1)
	go ns.keeperThread(work, entered)
	if err := <-entered; err != nil {
		return nil, err
	}
	ns.keeper = work
	return work, nil
}

func (ns *NS) keeperThread(work <-chan func(), entered chan<- error) {
	if leave := lockSideThread(); leave != nil {
		defer leave()
		done := make(chan struct{})
		go func() {
			defer close(done)
			ns.keeperThread(work, entered)
		}()
		<-done
		return
	}
	err := ns.enter()
	entered <- err
	if err != nil {
		return
	}
	for f := range work {
		f()
	}
}

// unshare gives the calling thread a new network namespace and opens it.
func unshare() (*os.File, error) {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		if errors.Is(err, unix.EPERM) {
			return nil, fmt.Errorf("%w (needs CAP_SYS_ADMIN, or a user namespace of its own)", err)
		}
		return nil, err
	}
	return os.Open(threadNS)
}

// bind gives a namespace a name in the file system.
func bind(f *os.File, path string) error {
	if err := os.MkdirAll(Dir, 0o755); err != nil {
		return err
	}
	target, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL, 0o444)
	if err != nil {
		return err
	}
	target.Close()
	source := fmt.Sprintf("/proc/thread-self/fd/%d", f.Fd())
	if err := unix.Mount(source, path, "none", unix.MS_BIND, ""); err != nil {
		return errors.Join(fmt.Errorf("cannot mount it on %s: %w", path, err), os.Remove(path))
	}
	return nil
}

// unbind removes a name. Who else holds the namespace keeps it.
func unbind(path string) error {
	if err := unix.Unmount(path, unix.MNT_DETACH); err != nil {
		return fmt.Errorf("cannot unmount %s: %w", path, err)
	}
	return os.Remove(path)
}
