package chaos

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of CPU time in /proc, on every machine of today.
const tick = 10 * time.Millisecond

// spinning lists the processes on all hosts that have worked for more than
// half of the time that there was. In the real-time class, one of those takes
// a CPU from everybody.
func (c *cluster) spinning(since time.Duration) []string {
	var busy []string
	for _, h := range c.lan.Hosts() {
		for _, pid := range h.Processes() {
			stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
			if err != nil {
				continue // gone
			}
			// proc(5): behind the name, utime and stime are fields 14 and 15.
			fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
			if len(fields) < 13 {
				continue
			}
			user, _ := strconv.Atoi(fields[11])
			system, _ := strconv.Atoi(fields[12])
			if used := time.Duration(user+system) * tick; used > since/2 {
				p, _ := inspect(pid)
				busy = append(busy, fmt.Sprintf("%s: %s used %v of %v", h.Name(), strings.Join(p.args, " "), used, since.Round(tick)))
			}
		}
	}
	return busy
}
