package gate

import (
	"fmt"
	"os"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/engine"
)

// now reads the clock that the programs compare with. They know no time
// namespace; a process in one (time_namespaces(7); containers have them, and
// so do machines that were moved with their processes) reads CLOCK_BOOTTIME
// with an offset, and a hold by that clock would be open or closed for ever.
func now() engine.Instant {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts) // cannot fail: the clock exists since Linux 2.6.39
	return engine.Instant(ts.Nano() - offset())
}

// offset is how far CLOCK_BOOTTIME is ahead in this process's time namespace.
// It is fixed before the first process of a namespace starts. A kernel without
// time namespaces has no such file, and no offset.
var offset = sync.OnceValue(func() int64 {
	offsets, err := os.ReadFile("/proc/self/timens_offsets")
	if err != nil {
		return 0
	}
	return bootOffset(string(offsets))
})

// bootOffset reads lines such as "boottime      1000         500000": seconds
// and nanoseconds.
func bootOffset(lines string) int64 {
	for line := range strings.Lines(lines) {
		var seconds, nanos int64
		if n, _ := fmt.Sscanf(line, "boottime %d %d", &seconds, &nanos); n == 2 {
			return seconds*1e9 + nanos
		}
	}
	return 0
}
