package measure

import (
	"fmt"
	"slices"
	"time"
)

// Excerpt tells what was seen in a stretch of time, one line for what a node
// did without a break: "12.345 ms to 17.345 ms  a answers (6)".
func (r Recording) Excerpt(from, to time.Duration) []string {
	type stretch struct {
		Sighting
		until time.Duration
		count int
	}
	var all []stretch
	for _, node := range r.Nodes() {
		latest := make(map[Kind]int) // to the stretch
		silent := 0
		for _, s := range r.of(node) {
			if s.At < from || s.At > to {
				continue
			}
			if s.Kind == Asked {
				// Three questions without an answer end what was before.
				if silent++; silent > 3 {
					delete(latest, Answered)
				}
				continue
			}
			if s.Kind == Answered {
				silent = 0
			}
			if i, ok := latest[s.Kind]; ok && s.Kind != Resigned {
				all[i].until, all[i].count = s.At, all[i].count+1
				continue
			}
			latest[s.Kind] = len(all)
			all = append(all, stretch{s, s.At, 1})
		}
	}
	slices.SortStableFunc(all, func(a, b stretch) int { return int(a.At - b.At) })
	var lines []string
	for _, s := range all {
		lines = append(lines, fmt.Sprintf("%11.3f ms to %11.3f ms  %s %v (%d)", millis(s.At), millis(s.until), s.Node, s.Kind, s.count))
	}
	return lines
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
