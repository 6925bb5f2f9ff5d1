package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
)

// store is one line about where leases are. Members that were never asked are
// no trouble: the others are asked only where the first one is slow.
func (t Terminal) store(s *api.Status, st *api.Store) string {
	var parts []string
	answer := 0
	for i := range st.Members {
		m := &st.Members[i]
		at := oneLine(m.Endpoint)
		switch {
		case m.Error != "":
			parts = append(parts, t.paint(bad, at+" does not answer: "+oneLine(m.Error)))
		case m.LastSeen.IsZero():
		default:
			answer++
			if m.First {
				parts = append(parts, fmt.Sprintf("%s answered in %s, %s ago", at, short(time.Duration(m.Trip).Round(10*time.Microsecond)), since(s.Now, m.LastSeen)))
			}
		}
	}
	line := fmt.Sprintf("store %s: %d of %d members", oneLine(st.Name), answer, len(st.Members))
	if answer == 0 && len(parts) == 0 {
		return line + " have answered yet"
	}
	return line + " have answered; " + strings.Join(parts, ", ")
}
