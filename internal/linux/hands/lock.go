package hands

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Three abstract unix sockets (unix(7)): the kernel keeps such names apart by
// network namespace, which is just what is to be locked, and gives one back
// when its process ends. Who cleans up has the first, a daemon the first two, and one that is
// about to go on in its place the third.
const (
	turnName   = "\x00holdfast/hands"
	daemonName = "\x00holdfast/daemon"
	heirName   = "\x00holdfast/heir"
)

// ErrLocked is part of the error where another process has the lock.
var ErrLocked = errors.New("another holdfast works here")

// heldBy is the error of a name that another process has.
type heldBy struct{ pid int }

func (e *heldBy) Error() string {
	return fmt.Sprintf("%v (process %d): each needs a network namespace of its own", ErrLocked, e.pid)
}

func (e *heldBy) Unwrap() error { return ErrLocked }

// lock makes sure that one process alone changes addresses in this network
// namespace: two would remove each other's as leftovers.
func lock(name string) (unlock func(), err error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot lock this network namespace: %w", err)
	}
	err = unix.Bind(fd, &unix.SockaddrUnix{Name: name})
	if err == nil {
		err = unix.Listen(fd, 1024) // so that others can ask who has it
	}
	if errors.Is(err, unix.EADDRINUSE) {
		err = lockedBy(name)
	}
	if err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("cannot lock this network namespace: %w", err)
	}
	if high, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, highest); err == nil {
		_ = unix.Close(fd)
		fd = high
	}
	f := os.NewFile(uintptr(fd), "lock")
	go answer(f)
	return func() { _ = f.Close() }, nil
}

// answer takes the calls of those who ask, so that there is room for the next
// one. It ends with the lock.
func answer(f *os.File) {
	raw, err := f.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Read(func(fd uintptr) bool {
		for {
			call, _, err := unix.Accept4(int(fd), unix.SOCK_CLOEXEC)
			if err != nil {
				return false
			}
			_ = unix.Close(call)
		}
	})
}

// highest is where the lock is in the table of open files. The kernel closes
// what a dead process had open from the last to the first, and packet sockets
// take it milliseconds: who cleans up after a killed daemon need not wait for
// those.
const highest = 1001

// lockedBy says who has the lock. Everybody in the namespace could take the
// name; it counts only where somebody has it who could change addresses, or
// is one of us.
func lockedBy(name string) error {
	who, err := asked(name)
	switch {
	case err != nil:
		return fmt.Errorf("%w, or is just starting or ending: %w", ErrLocked, err)
	case who.Uid != 0 && int(who.Uid) != os.Geteuid():
		return nil
	}
	return &heldBy{int(who.Pid)}
}

// asked is who has a name.
func asked(name string) (*unix.Ucred, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = unix.Close(fd) }()
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: name}); err != nil {
		return nil, err
	}
	return unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
}

// memoryPath is the file that keeps what settings were.
func memoryPath(dir string) string {
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, "settings-"+namespace()+".json")
}

// namespace is a word for the network namespace of the calling thread that no
// other one has now.
func namespace() string {
	var st unix.Stat_t
	if err := unix.Stat("/proc/thread-self/ns/net", &st); err != nil {
		return "0"
	}
	return fmt.Sprint(st.Ino)
}
