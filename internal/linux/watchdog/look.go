package watchdog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Info is what a device says of itself while nobody has it open.
type Info struct {
	Identity string        // "i6300ESB timer"; empty: the kernel does not tell
	Running  bool          // somebody feeds it, or has left it running
	NoWayOut bool          // it cannot be stopped again
	Timeout  time.Duration // as it is set now; 0: not known
	Longest  time.Duration // 0: not known
}

// legacy is the number of /dev/watchdog, which is another name of watchdog0
// (Documentation/admin-guide/devices.txt).
var legacy = unix.Mkdev(10, 130)

// Look tells what a device is without opening it.
func Look(path string) (Info, error) { return look(path, "/sys") }

func look(path, sys string) (Info, error) {
	var st unix.Stat_t
	switch err := unix.Stat(path, &st); {
	case errors.Is(err, unix.ENOENT):
		return Info{}, openError(path, err)
	case err != nil:
		return Info{}, fmt.Errorf("cannot look at watchdog %s: %w", path, err)
	case st.Mode&unix.S_IFMT != unix.S_IFCHR:
		return Info{}, fmt.Errorf("cannot use %s as a watchdog: it is not a device", path)
	}
	if err := unix.Access(path, unix.W_OK); err != nil {
		return Info{}, openError(path, &fs.PathError{Op: "open", Path: path, Err: err})
	}
	dir := filepath.Join(sys, "dev/char", fmt.Sprintf("%d:%d", unix.Major(st.Rdev), unix.Minor(st.Rdev)))
	if st.Rdev == legacy {
		dir = filepath.Join(sys, "class/watchdog/watchdog0")
	}
	return about(dir), nil
}

// about reads what the kernel tells of a device, which is nothing where it was
// built without CONFIG_WATCHDOG_SYSFS.
func about(dir string) Info {
	read := func(name string) string {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return ""
		}
		return strings.TrimSpace(string(b))
	}
	seconds := func(name string) time.Duration {
		n, err := strconv.Atoi(read(name))
		if err != nil {
			return 0
		}
		return time.Duration(n) * time.Second
	}
	return Info{
		Identity: read("identity"), Running: read("state") == "active", NoWayOut: read("nowayout") == "1",
		Timeout: seconds("timeout"), Longest: seconds("max_timeout"),
	}
}
