package survival

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/holdfast-net/holdfast/internal/lab"
)

// tcpCounters are what the kernel of a machine counts of TCP (/proc/net/netstat and
// snmp): a line of names, and one of numbers. One that cannot be read counts nothing.
func tcpCounters(h *lab.Host) map[string]uint64 {
	all := map[string]uint64{}
	_ = h.Do(func() error {
		for _, file := range []string{"netstat", "snmp"} {
			text, err := os.ReadFile("/proc/thread-self/net/" + file)
			if err != nil {
				return err
			}
			lines := strings.Split(string(text), "\n")
			for i := 0; i+1 < len(lines); i += 2 {
				names, numbers := strings.Fields(lines[i]), strings.Fields(lines[i+1])
				if len(names) == 0 || len(names) != len(numbers) || !strings.HasPrefix(names[0], "Tcp") {
					continue
				}
				for j, name := range names[1:] {
					if n, err := strconv.ParseUint(numbers[j+1], 10, 64); err == nil {
						all[name] = n
					}
				}
			}
		}
		return nil
	})
	return all
}

// differences are by how much counters have grown, a line for each of whom. One
// that begins anew, with its daemon, has counted since then.
func differences(before, after map[string]map[string]uint64) (lines []string) {
	for _, who := range slices.Sorted(maps.Keys(after)) {
		var grown []string
		for _, what := range slices.Sorted(maps.Keys(after[who])) {
			now, then := after[who][what], before[who][what]
			if now < then {
				then = 0
			}
			if now > then {
				grown = append(grown, fmt.Sprintf("%s %d", what, now-then))
			}
		}
		if len(grown) > 0 {
			lines = append(lines, who+": "+strings.Join(grown, ", "))
		}
	}
	return lines
}
