package cli

import (
	"fmt"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
)

// clusterStatus is one line about the store, a table of its members, and what
// to do.
func (t Terminal) clusterStatus(s *api.Cluster) error {
	line := t.paint(bad, "the store has no majority: nothing is renewed, and every hold ends in time")
	if s.Majority {
		line = fmt.Sprintf("the store answers; %s leads", t.paint(strong, oneLine(s.Leader)))
	}
	if _, err := fmt.Fprintln(t.Out, line+"\n"); err != nil {
		return written(err)
	}
	tb := newTable(t, "MEMBER", "STATE", "ADDRESS", "DATABASE", "DISK", "")
	for i := range s.Members {
		m := &s.Members[i]
		state := cell{m.State, good}
		switch {
		case m.State == "silent" || m.State == "apart":
			state.tone = bad
		case m.Trouble != "":
			state.tone = notice
		case m.Name == s.Leader:
			state.text = "leader"
		}
		size, disk := "", ""
		if m.Size > 0 {
			size = fmt.Sprintf("%.1f MiB", float64(m.Size)/(1<<20))
		}
		if m.DiskAverage > 0 {
			disk = fmt.Sprintf("%s, at most %s", short(time.Duration(m.DiskAverage).Round(10*time.Microsecond)), short(time.Duration(m.DiskSlowest)))
		}
		tb.add(cell{m.Name, strong}, state, cell{m.Address, plain}, cell{size, plain}, cell{disk, plain}, cell{m.Trouble, notice})
	}
	tb.whole = true
	if err := tb.write(t.Out); err != nil {
		return err
	}
	for i := range s.Members {
		if m := &s.Members[i]; m.Hint != "" {
			if _, err := fmt.Fprintf(t.Out, "%s: %s\n", t.paint(strong, oneLine(m.Name)), oneLine(m.Hint)); err != nil {
				return written(err)
			}
		}
	}
	return nil
}
