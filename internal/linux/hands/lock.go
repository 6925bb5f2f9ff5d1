package hands

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// lockName is an abstract unix socket (unix(7)): the kernel keeps such names
// apart by network namespace, which is just what is to be locked, and gives
// one back when its process ends.
const lockName = "\x00holdfast/hands"

// ErrLocked is part of the error where another process has the lock.
var ErrLocked = errors.New("another holdfast works here")

// Locked says whether another process has the lock of this network namespace.
func Locked() bool {
	unlock, err := lock()
	if err == nil {
		unlock()
	}
	return errors.Is(err, ErrLocked)
}

// lock makes sure that one process alone changes addresses in this network
// namespace: two would remove each other's as leftovers.
func lock() (unlock func(), err error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot lock this network namespace: %w", err)
	}
	err = unix.Bind(fd, &unix.SockaddrUnix{Name: lockName})
	if err == nil {
		err = unix.Listen(fd, 64) // so that others can ask who has it
	}
	if errors.Is(err, unix.EADDRINUSE) {
		err = lockedBy()
	}
	if err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("cannot lock this network namespace: %w", err)
	}
	if high, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, highest); err == nil {
		_ = unix.Close(fd)
		fd = high
	}
	return func() { _ = unix.Close(fd) }, nil
}

// highest is where the lock is in the table of open files. The kernel closes
// what a dead process had open from the last to the first, and packet sockets
// take it milliseconds: who cleans up after a killed daemon need not wait for
// those.
const highest = 1001

// lockedBy says who has the lock. Everybody in the namespace could take the
// name; it counts only where somebody has it who could change addresses, or
// is one of us.
func lockedBy() error {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: lockName}); err != nil {
		return fmt.Errorf("%w, or is just starting or ending: %w", ErrLocked, err)
	}
	who, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return err
	}
	if who.Uid != 0 && int(who.Uid) != os.Geteuid() {
		return nil
	}
	return fmt.Errorf("%w (process %d): each needs a network namespace of its own", ErrLocked, who.Pid)
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
