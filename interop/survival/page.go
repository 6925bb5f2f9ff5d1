package survival

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

// Trial is one verdict as it is kept between runs.
type Trial struct {
	Who     string
	Load    Load
	Verdict Verdict
}

// Results are trials in a file, a line of JSON for each.
type Results struct {
	path  string
	All   []Trial
	began map[[2]string]bool // pairs and faults that were measured since
}

// NewResults are none yet.
func NewResults(path string) *Results { return &Results{path: path, began: map[[2]string]bool{}} }

// Read takes over what the file has. A pair's fault that is measured again replaces
// what it has of that.
func (r *Results) Read() error {
	f, err := os.Open(r.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot read trials: %w", err)
	}
	defer f.Close()
	for all := json.NewDecoder(f); ; {
		var t Trial
		switch err := all.Decode(&t); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("cannot read trials: %w", err)
		}
		r.All = append(r.All, t)
	}
}

// Add adds a trial, and writes the file.
func (r *Results) Add(t Trial) error {
	if kind := [2]string{t.Who, t.Verdict.Name}; !r.began[kind] {
		r.began[kind] = true
		r.All = slices.DeleteFunc(r.All, func(old Trial) bool { return kind == [2]string{old.Who, old.Verdict.Name} })
	}
	r.All = append(r.All, t)
	if r.path == "" {
		return nil
	}
	var b bytes.Buffer
	out := json.NewEncoder(&b)
	for _, t := range r.All {
		if err := out.Encode(t); err != nil {
			return fmt.Errorf("cannot record a trial: %w", err)
		}
	}
	if err := os.WriteFile(r.path, b.Bytes(), 0o644); err != nil {
		return fmt.Errorf("cannot record a trial: %w", err)
	}
	return nil
}

// The tables of the page are between these lines.
const (
	tablesBegin = "<!-- measured by make survival -->\n"
	tablesEnd   = "<!-- end -->\n"
)

// WritePage puts the tables of trials into a page.
func WritePage(path string, all []Trial) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("cannot write the tables: %w", err)
	}
	head, rest, ok := strings.Cut(string(text), tablesBegin)
	_, tail, ok2 := strings.Cut(rest, tablesEnd)
	if !ok || !ok2 {
		return fmt.Errorf("cannot write the tables: %s has no place for them", path)
	}
	return os.WriteFile(path, []byte(head+tablesBegin+tables(all)+tablesEnd+tail), 0o644)
}

// tables are one of what was lost and one of times, a row for each fault and a
// column for each pair. A cell sums up the trials of its kind.
func tables(all []Trial) string {
	var who, faults []string
	for _, t := range all {
		if !slices.Contains(who, t.Who) {
			who = append(who, t.Who)
		}
		if !slices.Contains(faults, t.Verdict.Name) {
			faults = append(faults, t.Verdict.Name)
		}
	}
	slices.Sort(who) // as runs are merged, in whichever order
	slices.SortStableFunc(faults, func(a, b string) int { return place(a) - place(b) })
	var b strings.Builder
	table := func(cell func([]Trial) string) {
		fmt.Fprintf(&b, "\n| | %s |\n|---|%s\n", strings.Join(who, " | "), strings.Repeat("---|", len(who)))
		for _, f := range faults {
			fmt.Fprintf(&b, "| **%s** |", f)
			for _, w := range who {
				var of []Trial
				for _, t := range all {
					if t.Who == w && t.Verdict.Name == f {
						of = append(of, t)
					}
				}
				fmt.Fprintf(&b, " %s |", cell(of))
			}
			b.WriteString("\n")
		}
	}
	b.WriteString("\nWhat was lost: connections, of those that were open; new requests, of those that began meanwhile.\n")
	table(lost)
	b.WriteString("\nTimes, the worst: for how long the address did not answer, and the longest that an exchange took on a connection that was not lost.\n")
	table(times)
	b.WriteString("\n")
	return b.String()
}

// place is where a fault stands in the order of faults.
func place(name string) int {
	if i := slices.IndexFunc(Faults, func(f Fault) bool { return f.Name == name }); i >= 0 {
		return i
	}
	return len(Faults)
}

func lost(of []Trial) string {
	var gone, open, failed, requests, stalled, slow int
	for _, t := range of {
		v := t.Verdict
		gone, open = gone+v.Reset+v.Silent, open+v.Connections
		failed, requests = failed+v.Flying+v.Failed+v.After, requests+v.Requests
		stalled, slow = stalled+v.Stalled, slow+v.SlowAfter
	}
	if len(of) == 0 {
		return ""
	}
	text := bold(gone) + fmt.Sprintf(" of %d", open)
	if stalled > 0 {
		text += fmt.Sprintf(" (%s stood still)", bold(stalled))
	}
	if requests > 100 {
		text += ", " + bold(failed) + fmt.Sprintf(" of %d", requests)
	}
	if slow > 0 {
		text += fmt.Sprintf(" (%d slow)", slow)
	}
	return text
}

func bold(n int) string {
	if n == 0 {
		return "0"
	}
	return fmt.Sprintf("**%d**", n)
}

func times(of []Trial) string {
	var away, longest time.Duration
	for _, t := range of {
		away, longest = max(away, t.Verdict.Outage), max(longest, t.Verdict.Longest)
	}
	if len(of) == 0 {
		return ""
	}
	return fmt.Sprintf("%d ms, %d ms", away.Milliseconds(), longest.Milliseconds())
}
