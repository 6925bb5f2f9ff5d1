// Package netns makes network namespaces and runs code and programs in them.
//
// A network namespace belongs to a thread, not to a process, and Go moves
// goroutines between threads. So everything here happens on a thread of its
// own that the Go scheduler never gets back: code that was inside a namespace
// cannot leak it to code that was not.
//
// A namespace lives as long as something refers to it: an open file (which is
// what an NS is), a name under /run/netns, or a process inside. Namespaces
// without a name need no file system and no privilege beyond CAP_SYS_ADMIN
// over the user namespace, so they also work for a user who is root in a user
// namespace of their own only.
package netns

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// Dir is where namespaces with a name live. It is the place where iproute2
// looks, so `ip netns exec NAME` works for them.
const Dir = "/run/netns"

// NS is one network namespace, held open. Its methods may be called from any
// goroutine.
type NS struct {
	file *os.File
	name string // the file under Dir that this NS made, or empty

	mu     sync.Mutex
	keeper chan func() // feeds the thread that starts programs
	closed bool
}

// New makes a namespace without a name. It ends when it is closed and the
// last program in it has ended. Its loopback interface is down, as in every
// new namespace.
func New() (*NS, error) {
	var ns *NS
	err := onThread(func() error {
		f, err := unshare()
		if err != nil {
			return err
		}
		ns = &NS{file: f}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("cannot make a network namespace: %w", err)
	}
	return ns, nil
}

// NewNamed makes a namespace that outlives the process under Dir. Close
// removes the name; a process that ends without Close leaves it there.
func NewNamed(name string) (*NS, error) {
	if name == "" || name == "." || name == ".." || strings.ContainsRune(name, '/') {
		return nil, fmt.Errorf("cannot make network namespace %q: not a file name", name)
	}
	path := filepath.Join(Dir, name)
	var ns *NS
	err := onThread(func() error {
		f, err := unshare()
		if err != nil {
			return err
		}
		if err := bind(f, path); err != nil {
			f.Close()
			return err
		}
		ns = &NS{file: f, name: path}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("cannot make network namespace %s: %w", name, err)
	}
	return ns, nil
}

// Open opens the namespace that a path refers to: a name under Dir, or
// /proc/PID/ns/net. Closing it removes nothing.
func Open(path string) (*NS, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot open network namespace: %w", err)
	}
	return &NS{file: f}, nil
}

// Current opens the namespace of the calling thread.
func Current() (*NS, error) { return Open(threadNS) }

// Handle is the file descriptor of the namespace, as netlink and setns(2)
// want it. It is valid until Close.
func (ns *NS) Handle() int { return int(ns.file.Fd()) }

// Path refers to the namespace from any process that may look into this one,
// as in `nsenter --net=PATH`. It is valid until Close, and for a namespace
// with a name until that is removed.
func (ns *NS) Path() string {
	if ns.name != "" {
		return ns.name
	}
	return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), ns.file.Fd())
}

// Do runs f inside the namespace and returns its error. Sockets that f opens
// stay in the namespace wherever they are used later; goroutines that f
// starts do not run in it. Files under /proc/sys/net are those of the
// namespace, /proc/net is not (use /proc/thread-self/net).
func (ns *NS) Do(f func() error) error {
	return onThread(func() error {
		if err := ns.enter(); err != nil {
			return err
		}
		return f()
	})
}

// Start starts a program inside the namespace. All programs of a namespace
// are started by one thread that lives until Close, so with
// SysProcAttr.Pdeathsig set they are told when this process dies or the
// namespace is closed, and not earlier.
func (ns *NS) Start(cmd *exec.Cmd) error {
	keeper, err := ns.keep()
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	keeper <- func() { done <- cmd.Start() }
	return <-done
}

// Run starts a program inside the namespace and waits for it.
func (ns *NS) Run(cmd *exec.Cmd) error {
	if err := ns.Start(cmd); err != nil {
		return err
	}
	return cmd.Wait()
}

// Close lets go of the namespace and removes the name that NewNamed gave it.
// Programs in it keep running, and keep it alive. Closing twice is harmless.
// No other method may run at the same time.
func (ns *NS) Close() error {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	if ns.closed {
		return nil
	}
	ns.closed = true
	if ns.keeper != nil {
		close(ns.keeper)
	}
	var errs []error
	if ns.name != "" {
		errs = append(errs, unbind(ns.name))
	}
	errs = append(errs, ns.file.Close())
	return errors.Join(errs...)
}

// enter moves the calling thread into the namespace.
func (ns *NS) enter() error {
	if err := unix.Setns(ns.Handle(), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("cannot enter the network namespace: %w", err)
	}
	return nil
}
