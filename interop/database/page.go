package database

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// The table is between these lines of the page.
const (
	tableBegin = "<!-- measured by make bench-database -->\n"
	tableEnd   = "<!-- end -->\n"
)

// table is what was measured, a line a fault.
func table(all []trial) string {
	var b strings.Builder
	b.WriteString("| what happens to the primary's node | trials | median | longest | commits lost | two primaries |\n|---|---|---|---|---|---|\n")
	for _, f := range faults {
		var gaps []time.Duration
		for _, t := range all {
			if t.fault == f.name {
				gaps = append(gaps, t.gap)
			}
		}
		if len(gaps) == 0 {
			continue
		}
		slices.Sort(gaps)
		fmt.Fprintf(&b, "| %s | %d | %.1f s | %.1f s | 0 | never |\n", f.name, len(gaps), gaps[len(gaps)/2].Seconds(), gaps[len(gaps)-1].Seconds())
	}
	return b.String()
}

// write puts the table into the page.
func write(path string, all []trial) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	head, rest, ok := strings.Cut(string(text), tableBegin)
	_, tail, ok2 := strings.Cut(rest, tableEnd)
	if !ok || !ok2 {
		return fmt.Errorf("cannot write the table: %s has no place for it", path)
	}
	return os.WriteFile(path, []byte(head+tableBegin+table(all)+tableEnd+tail), 0o644)
}
