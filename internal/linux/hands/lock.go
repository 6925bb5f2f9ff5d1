package hands

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// errBusy is the error of a second holdfast where one works already.
var errBusy = errors.New("another holdfast works in this network namespace")

// lock makes sure that one process alone changes addresses in this network
// namespace: two would remove each other's as leftovers. Without a directory
// there is nothing to hold the lock in.
func lock(dir string) (unlock func(), err error) {
	if dir == "" {
		return func() {}, nil
	}
	f, err := os.OpenFile(filepath.Join(dir, "hands-"+namespace()+".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot lock this network namespace: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = errBusy
		}
		return nil, fmt.Errorf("cannot lock this network namespace: %w", err)
	}
	return func() { f.Close() }, nil
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
