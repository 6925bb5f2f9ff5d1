package program

import (
	"errors"

	"golang.org/x/sys/unix"
)

// waitUnreaped returns when the process has ended, leaving its number taken:
// waitid(2) with WNOWAIT.
func waitUnreaped(pid int) {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return // ended; or not ours to wait for, which Wait will say
		}
	}
}
