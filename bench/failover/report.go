package main

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/bench/measure"
)

// schema names the shape of the JSON.
const schema = "holdfast/bench/failover/v1"

// Report is everything that one run measured.
type Report struct {
	Schema string    `json:"schema"`
	At     time.Time `json:"at"`
	CPUs   int       `json:"cpus"`
	Kernel string    `json:"kernel"`
	Tables []*Table  `json:"tables"`
}

// NewReport is an empty report of this machine.
func NewReport() *Report {
	r := &Report{Schema: schema, At: time.Now(), CPUs: runtime.NumCPU()}
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		r.Kernel = unix.ByteSliceToString(name.Release[:])
	}
	return r
}

// Write writes the report as JSON.
func (r *Report) Write(path string) error {
	if err := measure.Write(path, r); err != nil {
		return err
	}
	fmt.Printf("\nwritten: %s\n", path)
	return nil
}

// Table is the outcome of one part. A line's ratio is its value over that of
// the baseline in the same case.
type Table struct {
	Part     string   `json:"part"`
	Title    string   `json:"title"`
	Baseline string   `json:"baseline"`
	Columns  []Column `json:"columns"`
	Lines    []*Line  `json:"lines"`
}

// Column is one figure, the lower the better.
type Column struct {
	Name string `json:"name"`
	Unit string `json:"unit"`
}

// Line is what one contender did in one case.
type Line struct {
	Case   string     `json:"case"`
	Who    string     `json:"who"`
	Values []float64  `json:"values"`
	Ratios []*float64 `json:"ratios"` // null: nothing to compare with
	Note   string     `json:"note,omitempty"`
}

// add adds a line.
func (t *Table) add(l *Line) { t.Lines = append(t.Lines, l) }

// compare fills in the ratios.
func (t *Table) compare() {
	for _, l := range t.Lines {
		l.Ratios = make([]*float64, len(l.Values))
		i := slices.IndexFunc(t.Lines, func(b *Line) bool { return b.Case == l.Case && b.Who == t.Baseline })
		if i < 0 || l.Who == t.Baseline {
			continue
		}
		for j, base := range t.Lines[i].Values {
			if base > 0 {
				ratio := l.Values[j] / base
				l.Ratios[j] = &ratio
			}
		}
	}
}

// Print prints the table for people.
func (t *Table) Print(w io.Writer) {
	t.compare()
	fmt.Fprintf(w, "\n%s: %s\n", t.Part, t.Title)
	head := []string{"case", "who"}
	for _, c := range t.Columns {
		head = append(head, strings.TrimSpace(c.Name+" "+c.Unit), "ratio")
	}
	rows := [][]string{append(head, "")}
	for _, l := range t.Lines {
		row := []string{l.Case, l.Who}
		for i, v := range l.Values {
			ratio := ""
			if r := l.Ratios[i]; r != nil {
				ratio = fmt.Sprintf("%.2f", *r)
			}
			row = append(row, number(v), ratio)
		}
		rows = append(rows, append(row, l.Note))
	}
	align(w, rows)
}

// align prints columns: the first two and the last are words, the others
// numbers. A column without content is left out.
func align(w io.Writer, rows [][]string) {
	widths := make([]int, len(rows[0]))
	filled := make([]bool, len(rows[0]))
	for n, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
			filled[i] = filled[i] || n > 0 && cell != ""
		}
	}
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			switch {
			case !filled[i]:
			case i < 2 || i == len(row)-1:
				line.WriteString("  " + cell + pad)
			default:
				line.WriteString("  " + pad + cell)
			}
		}
		fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
	}
}

// number prints three significant digits or so.
func number(v float64) string {
	switch {
	case v == 0:
		return "0"
	case v < 1:
		return fmt.Sprintf("%.3f", v)
	case v < 100:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.0f", v)
}

// median of values, 0 for none. It sorts them in place.
func median(values []float64) float64 { return quantile(values, 0.5) }

// quantile is the smallest value that at least the share q of them do not
// exceed. It sorts them in place.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	if q == 0.5 && len(values)%2 == 0 {
		return (values[len(values)/2-1] + values[len(values)/2]) / 2
	}
	i := int(q*float64(len(values))+0.999999) - 1
	return values[min(max(i, 0), len(values)-1)]
}

// ms is a duration in milliseconds.
func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
