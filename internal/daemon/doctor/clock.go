package doctor

import (
	"fmt"
	"strings"
	"time"
)

// bootOffset reads the line of CLOCK_BOOTTIME in timens_offsets.
func bootOffset(lines string) string {
	for line := range strings.Lines(lines) {
		var seconds, nanos int64
		if n, _ := fmt.Sscanf(line, "boottime %d %d", &seconds, &nanos); n == 2 {
			return (time.Duration(seconds)*time.Second + time.Duration(nanos)).String()
		}
	}
	return time.Duration(0).String()
}
