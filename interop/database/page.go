package database

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

// add appends a trial to the file of those before it, and gives all of them: a
// long measurement may be made in pieces.
func add(path string, t Trial) ([]Trial, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := json.NewEncoder(f).Encode(t); err != nil {
		return nil, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	var all []Trial
	for d := json.NewDecoder(f); ; {
		var t Trial
		if err := d.Decode(&t); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("cannot read the trials of %s: %w", path, err)
		}
		all = append(all, t)
	}
}

// table is what was measured of a way of deciding, a line a fault.
func table(way string, all []Trial) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| decided by %s; what happens | trials | median | longest | all well again (median) | commits lost | two primaries |\n|---|---|---|---|---|---|---|\n", way)
	for _, f := range of(way) {
		var gaps, mended []time.Duration
		for _, t := range all {
			if t.Way == way && t.Fault == f.name {
				gaps, mended = append(gaps, t.Gap), append(mended, t.Mended)
			}
		}
		if len(gaps) == 0 {
			continue
		}
		slices.Sort(gaps)
		slices.Sort(mended)
		fmt.Fprintf(&b, "| %s | %d | %.1f s | %.1f s | %.0f s | 0 | never |\n", f.name, len(gaps),
			gaps[len(gaps)/2].Seconds(), gaps[len(gaps)-1].Seconds(), mended[len(mended)/2].Seconds())
	}
	return b.String()
}

// The tables are between these lines of the page.
const (
	tableBegin = "<!-- measured by make bench-database: %s -->\n"
	tableEnd   = "<!-- end -->\n"
)

// write puts the table of a way of deciding into the page.
func write(path, way string, all []Trial) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	begin := fmt.Sprintf(tableBegin, way)
	head, rest, ok := strings.Cut(string(text), begin)
	_, tail, ok2 := strings.Cut(rest, tableEnd)
	if !ok || !ok2 {
		return fmt.Errorf("cannot write the table: %s has no place for it", path)
	}
	return os.WriteFile(path, []byte(head+begin+table(way, all)+tableEnd+tail), 0o644)
}
