package survival

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
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

// Record adds a trial to a file.
func Record(path string, t Trial) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("cannot record a trial: %w", err)
	}
	return errors.Join(json.NewEncoder(f).Encode(t), f.Close())
}

// Recorded are the trials of a file.
func Recorded(path string) (all []Trial, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read trials: %w", err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var t Trial
		if err := json.Unmarshal(lines.Bytes(), &t); err != nil {
			return nil, fmt.Errorf("cannot read trials: %w", err)
		}
		all = append(all, t)
	}
	return all, nil
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
	var gone, open, failed, requests, stalled int
	for _, t := range of {
		v := t.Verdict
		gone, open = gone+v.Reset+v.Silent, open+v.Connections
		failed, requests = failed+v.Flying+v.Failed+v.After, requests+v.Requests
		stalled += v.Stalled
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
