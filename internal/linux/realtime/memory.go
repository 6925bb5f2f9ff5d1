package realtime

import (
	"errors"
	"os"
	"runtime/debug"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/linux/capability"
)

// lockMemory keeps what the process uses, now and later, in memory. Only what
// it uses: a Go program reserves far more.
//
// Without the privilege there is a limit, and a lock of future memory turns
// the limit into failing allocations, of which a Go program dies. So it is
// tried only where nothing limits it.
func lockMemory() error {
	if !capability.Has(unix.CAP_IPC_LOCK) {
		var limit unix.Rlimit
		if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit); err != nil {
			return err
		}
		if limit.Max != unix.RLIM_INFINITY {
			return errors.New("a limit is set on locked memory")
		}
		limit.Cur = limit.Max
		if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &limit); err != nil {
			return err
		}
	}
	// What reading the file took is not needed any more, and locked memory is
	// never given back: the kernel refuses MADV_DONTNEED on it.
	debug.FreeOSMemory()
	return unix.Mlockall(unix.MCL_CURRENT | unix.MCL_FUTURE | unix.MCL_ONFAULT)
}

// spared is the score that the packaged unit asks for: nearly the last to go.
const spared = -900

const oomFile = "/proc/self/oom_score_adj"

// spare lowers the out-of-memory score, unless it is low enough already, as
// under systemd.
func spare() error {
	b, err := os.ReadFile(oomFile)
	if err != nil {
		return err
	}
	if now, err := strconv.Atoi(strings.TrimSpace(string(b))); err == nil && now <= spared {
		return nil
	}
	return os.WriteFile(oomFile, []byte(strconv.Itoa(spared)), 0)
}
