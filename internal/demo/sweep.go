package demo

import (
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// prefix begins the name of the one directory that a demo makes.
const prefix = "holdfast-demo-"

// claim locks a demo's directory for as long as this process lives, so that
// sweep knows that it is in use. Daemons do not inherit the lock.
func claim(dir string) (release func(), err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close() // was only read
		return nil, err
	}
	return func() { _ = f.Close() }, nil
}

// grace is the age below which a directory may be one that is just being made.
const grace = time.Minute

// sweep removes what earlier demos of this user could not, because they were
// killed with all their processes (SIGKILL to the whole group). Everything
// else of such a demo, the kernel took down.
func sweep(parent string, now time.Time) {
	dirs, _ := filepath.Glob(filepath.Join(parent, prefix+"*")) // the pattern is right
	for _, dir := range dirs {
		var st unix.Stat_t
		if unix.Lstat(dir, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFDIR || int(st.Uid) != os.Geteuid() {
			continue
		}
		if now.Sub(time.Unix(st.Mtim.Unix())) < grace {
			continue
		}
		release, err := claim(dir)
		if err != nil {
			continue // a demo runs in it
		}
		_ = os.RemoveAll(dir) // the next one tries again
		release()
	}
}
