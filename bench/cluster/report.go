package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/bench/measure"
)

const schema = "holdfast/bench/cluster/v1"

// Report is everything that was measured, and with what.
type Report struct {
	Schema   string            `json:"schema"`
	At       time.Time         `json:"at"`
	CPUs     int               `json:"cpus"`
	Kernel   string            `json:"kernel"`
	Versions map[string]string `json:"versions"`
	Trials   []Trial           `json:"trials"`
	Commits  []Commits         `json:"commits,omitempty"`
}

func newReport() *Report {
	r := &Report{Schema: schema, At: time.Now(), CPUs: runtime.NumCPU(), Versions: map[string]string{}}
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		r.Kernel = unix.ByteSliceToString(name.Release[:])
	}
	return r
}

func readReport(path string) (*Report, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot add to a report: %w", err)
	}
	r := &Report{}
	if err := json.Unmarshal(text, r); err != nil || r.Schema != schema {
		return nil, fmt.Errorf("cannot add to %s: it is no report of this benchmark", path)
	}
	return r, nil
}

// versions notes what is compared.
func (r *Report) versions(holdfast string) error {
	for name, command := range map[string][]string{
		"corosync": {"corosync", "-v"}, "pacemaker": {"pacemakerd", "--version"}, "etcd": {"etcd", "--version"},
		"vip-manager": {"dpkg-query", "-W", "-f", "${Version}", "vip-manager"}, "holdfast": {holdfast, "version"},
		"resource-agents": {"dpkg-query", "-W", "-f", "${Version}", "resource-agents"},
	} {
		out, err := exec.Command(command[0], command[1:]...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("cannot compare without %s: %w (`make bench-cluster` installs Debian's)", name, err)
		}
		r.Versions[name], _, _ = strings.Cut(strings.TrimSpace(string(out)), "\n")
	}
	return nil
}

// figures are those of one contender and one fault.
type figures struct {
	who           *contender
	outage, moved []float64
	two           []float64
}

func (r *Report) figures(f fault) []figures {
	var all []figures
	for _, c := range contenders() {
		g := figures{who: c}
		for _, t := range r.Trials {
			if t.Who != c.name || t.Fault != f.name {
				continue
			}
			g.outage = append(g.outage, t.Outage)
			if t.Moved >= 0 {
				g.moved = append(g.moved, t.Moved)
			}
			if t.Two > 0 {
				g.two = append(g.two, t.Two)
			}
		}
		if len(g.outage) > 0 {
			all = append(all, g)
		}
	}
	return all
}

// rows are a table of a fault: a head, and a row a contender.
func (r *Report) rows(f fault) [][]string {
	rows := [][]string{{"who", "trials", "nobody answers, median", "p90", "longest", "elsewhere after", "two at a time"}}
	for _, g := range r.figures(f) {
		n := len(g.outage)
		row := []string{
			g.who.name, fmt.Sprint(n), number(quantile(g.outage, 0.5)), number(quantile(g.outage, 0.9)), number(quantile(g.outage, 1)),
		}
		switch {
		case f.planned && len(g.moved) < n:
			row = append(row, fmt.Sprintf("%d of %d refused", n-len(g.moved), n))
		case len(g.moved) == 0:
			row = append(row, "stays")
		case len(g.moved) == n:
			row = append(row, number(quantile(g.moved, 0.5)))
		default:
			row = append(row, fmt.Sprintf("%s, stays in %d", number(quantile(g.moved, 0.5)), n-len(g.moved)))
		}
		if len(g.two) == 0 {
			row = append(row, "never")
		} else {
			row = append(row, fmt.Sprintf("in %d of %d, %s or more", len(g.two), n, number(quantile(g.two, 0.5))))
		}
		rows = append(rows, row)
	}
	return rows
}

// print prints the tables for people.
func (r *Report) print(w io.Writer) {
	titles, all := r.tables()
	for n, rows := range all {
		fmt.Fprintf(w, "\n%s\n", titles[n])
		widths := make([]int, len(rows[0]))
		for _, row := range rows {
			for i, cell := range row {
				widths[i] = max(widths[i], utf8.RuneCountInString(cell))
			}
		}
		for _, row := range rows {
			for i, cell := range row {
				pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
				if i == 0 {
					fmt.Fprint(w, "  ", cell, pad)
				} else {
					fmt.Fprint(w, "  ", pad, cell)
				}
			}
			fmt.Fprintln(w)
		}
	}
}

// commitRows are the table of the database.
func (r *Report) commitRows() [][]string {
	rows := [][]string{{"what happens to the primary", "trials", "no commit, median", "longest", "acknowledged", "lost"}}
	var names []string
	for _, t := range r.Commits {
		if !slices.Contains(names, t.Fault) {
			names = append(names, t.Fault)
		}
	}
	for _, name := range names {
		var gaps []float64
		acknowledged, lost := 0, 0
		for _, t := range r.Commits {
			if t.Fault == name {
				gaps, acknowledged, lost = append(gaps, t.Gap), acknowledged+t.Commits, lost+t.Lost
			}
		}
		rows = append(rows, []string{
			name, fmt.Sprint(len(gaps)), number(quantile(gaps, 0.5)), number(quantile(gaps, 1)), fmt.Sprint(acknowledged), fmt.Sprint(lost),
		})
	}
	return rows
}

// tables are all that there is something for, with their titles.
func (r *Report) tables() (titles []string, all [][][]string) {
	for _, f := range faults {
		if rows := r.rows(f); len(rows) > 1 {
			titles, all = append(titles, strings.ToUpper(f.what[:1])+f.what[1:]), append(all, rows)
		}
	}
	if rows := r.commitRows(); len(rows) > 1 {
		titles, all = append(titles, "PostgreSQL under Pacemaker"), append(all, rows)
	}
	return titles, all
}

// The tables are between these lines of the page.
const (
	pageBegin = "<!-- measured by make bench-cluster -->\n"
	pageEnd   = "<!-- end -->\n"
)

// markdown is the same for the page.
func (r *Report) markdown() string {
	var b strings.Builder
	titles, all := r.tables()
	for n, rows := range all {
		fmt.Fprintf(&b, "\n**%s**\n\n", titles[n])
		for i, row := range rows {
			fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
			if i == 0 {
				b.WriteString("|---" + strings.Repeat("|---:", len(row)-1) + "|\n")
			}
		}
	}
	b.WriteString("\n")
	return b.String()
}

// write writes the report as JSON, and the page's tables where there is one.
func (r *Report) write(path, page string) error {
	if err := measure.Write(path, r); err != nil {
		return err
	}
	fmt.Printf("\nwritten: %s\n", path)
	if page == "" {
		return nil
	}
	text, err := os.ReadFile(page)
	if err != nil {
		return fmt.Errorf("cannot write the tables: %w", err)
	}
	head, rest, ok := strings.Cut(string(text), pageBegin)
	_, tail, ok2 := strings.Cut(rest, pageEnd)
	if !ok || !ok2 {
		return fmt.Errorf("cannot write the tables: %s has no place for them", page)
	}
	return os.WriteFile(page, []byte(head+pageBegin+r.markdown()+pageEnd+tail), 0o644)
}

// number is milliseconds for people.
func number(ms float64) string {
	if ms >= 1000 {
		return fmt.Sprintf("%.2f s", ms/1000)
	}
	return fmt.Sprintf("%.0f ms", ms)
}

// quantile is the smallest value that at least the share q of them do not
// exceed, and for an even number of them the middle where q is a half. It
// sorts them in place.
func quantile(values []float64, q float64) float64 {
	slices.Sort(values)
	if q == 0.5 && len(values)%2 == 0 {
		return (values[len(values)/2-1] + values[len(values)/2]) / 2
	}
	i := int(q*float64(len(values))+0.999999) - 1
	return values[min(max(i, 0), len(values)-1)]
}
