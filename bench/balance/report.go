package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/holdfast-net/holdfast/bench/measure"
)

// Report is everything that was measured.
type Report struct {
	Schema  string         `json:"schema"`
	At      time.Time      `json:"at"`
	CPUs    int            `json:"cpus"`
	Rows    map[string]Row `json:"rows"`
	Packets []packetCost   `json:"packets,omitempty"`
}

// Row is one workload: all samples by contender, in rounds. Ratios are medians of
// the ratios of each round: the machine is another one in the next.
type Row map[string][]sample

func newReport() *Report {
	return &Report{Schema: "holdfast/bench/balance/v2", At: time.Now(), CPUs: runtime.NumCPU(), Rows: map[string]Row{}}
}

// read takes over what an earlier run has measured.
func (r *Report) read(name string) error {
	b, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot read the earlier results: %w", err)
	}
	before := Report{}
	if err := json.Unmarshal(b, &before); err != nil {
		return fmt.Errorf("cannot read the earlier results in %s: %w", name, err)
	}
	if before.Schema == r.Schema {
		r.Rows, r.Packets = before.Rows, before.Packets
	}
	return nil
}

func (r *Report) add(workload string, figures map[string][]sample) {
	if len(figures) == 0 {
		return
	}
	if r.Rows[workload] == nil {
		r.Rows[workload] = Row{}
	}
	for name, all := range figures {
		r.Rows[workload][name] = all
	}
}

// median of a figure of one contender.
func (row Row) median(name string, of func(sample) float64) float64 {
	all := row[name]
	if len(all) == 0 {
		return 0
	}
	return measure.Median(len(all), func(i int) float64 { return of(all[i]) })
}

// ratio of one contender to another.
func (row Row) ratio(name, to string, of func(sample) float64) string {
	a, b := row[name], row[to]
	n := min(len(a), len(b))
	if n == 0 || of(a[0]) == 0 || of(b[0]) == 0 {
		return "–"
	}
	return fmt.Sprintf("×%.2f", measure.Median(n, func(i int) float64 { return of(a[i]) / of(b[i]) }))
}

// beyond is the processor time for one, beyond that of plain routing in the same
// round: what balancing adds to the hop, which is the same for everybody.
func (row Row) beyond(name string, of func(sample) float64) float64 {
	a, b := row[name], row["routing"]
	n := min(len(a), len(b))
	if n == 0 {
		return 0
	}
	return measure.Median(n, func(i int) float64 { return 1/of(a[i]) - 1/of(b[i]) })
}

// lessThanHAProxy says how many times as much HAProxy takes beyond routing. What
// is lost in the noise of routing itself, of which a fiftieth is as little as
// can be told, is only known to be less.
func (row Row) lessThanHAProxy(name string, of func(sample) float64) string {
	its, haproxy := row.beyond(name, of), row.beyond("haproxy", of)
	if haproxy <= 0 || name == "routing" {
		return "–"
	}
	least := 0.02 / row.median("routing", of)
	if its < least {
		return fmt.Sprintf("over ×%.0f", haproxy/least)
	}
	return fmt.Sprintf("×%.1f", haproxy/its)
}

func (row Row) beyondWords(name string, of func(sample) float64) string {
	if name == "routing" {
		return "–"
	}
	return fmt.Sprintf("%+.1f µs", row.beyond(name, of)*1e6)
}

func rate(s sample) float64    { return s.Rate }
func perCPU(s sample) float64  { return s.PerCPU }
func packets(s sample) float64 { return s.PacketsPerCPU }
func p50(s sample) float64     { return float64(s.P50) }
func p99(s sample) float64     { return float64(s.P99) }
func space(s sample) float64   { return s.Memory }

// table is one of the page: a line of words for each contender.
type table struct {
	title string
	head  []string
	lines [][]string
}

// tables are all there is to say, in words.
func (r *Report) tables() []table {
	var all []table
	for _, w := range rows {
		row := r.Rows[w]
		if len(row) == 0 {
			continue
		}
		t := table{title: titles[w]}
		for _, c := range contenders {
			if len(row[c.name]) == 0 {
				continue
			}
			t.head, t.lines = heads[w], append(t.lines, append([]string{c.name}, row.words(w, c.name)...))
		}
		all = append(all, t)
	}
	if len(r.Packets) > 0 {
		all = append(all, r.costTable())
	}
	return all
}

var titles = map[string]string{
	bulk:        "Bulk: one stream from the server",
	connections: "New connections: connect, a byte there and back, end; 32 at a time",
	requests:    "Requests of 64 bytes on 32 connections, one after the other",
	latency:     fmt.Sprintf("How long they take, at %d a second", paced),
	datagrams:   "Frames of 64 bytes: UDP, 64 flows, one way",
	memory:      "Memory of a million flows",
}

var costHead = []string{"who", "a second", "of routing", "of HAProxy", "a second of its CPU", "of HAProxy", "beyond routing, each", "HAProxy takes of that"}

var heads = map[string][]string{
	bulk:        {"who", "Gbit/s", "of routing", "of HAProxy", "CPU ms for a Gbit", "gigabits a CPU second, of HAProxy"},
	connections: costHead,
	requests:    append(append([]string{}, costHead...), "packets a second of its CPU", "a packet beyond routing", "HAProxy takes of that", "p50", "p99"),
	latency:     {"who", "p50", "p99", "p50 of routing", "p50 of HAProxy", "p99 of HAProxy"},
	datagrams:   {"who", "a second", "of routing", "of nginx", "a second of its CPU", "of nginx", "beyond routing, each"},
	memory:      {"who", "MB", "of HAProxy"},
}

func count(n float64) string {
	if n >= 1e6 {
		return fmt.Sprintf("%.2f M", n/1e6)
	}
	return fmt.Sprintf("%.1f k", n/1e3)
}

func micro(n float64) string { return fmt.Sprintf("%.0f µs", n/1e3) }

func (row Row) words(workload, name string) []string {
	const routing, haproxy, nginx = "routing", "haproxy", "nginx"
	switch workload {
	case bulk:
		return []string{
			fmt.Sprintf("%.2f", row.median(name, rate)*8/1e9), row.ratio(name, routing, rate), row.ratio(name, haproxy, rate),
			fmt.Sprintf("%.1f", 1e3/(row.median(name, perCPU)*8/1e9)), row.ratio(name, haproxy, perCPU),
		}
	case latency:
		return []string{
			micro(row.median(name, p50)), micro(row.median(name, p99)),
			row.ratio(name, routing, p50), row.ratio(name, haproxy, p50), row.ratio(name, haproxy, p99),
		}
	case memory:
		return []string{fmt.Sprintf("%.0f", row.median(name, space)/1e6), row.ratio(name, haproxy, space)}
	case datagrams:
		return []string{
			count(row.median(name, rate)), row.ratio(name, routing, rate), row.ratio(name, nginx, rate),
			count(row.median(name, perCPU)), row.ratio(name, nginx, perCPU), row.beyondWords(name, perCPU),
		}
	}
	words := []string{
		count(row.median(name, rate)), row.ratio(name, routing, rate), row.ratio(name, haproxy, rate),
		count(row.median(name, perCPU)), row.ratio(name, haproxy, perCPU),
		row.beyondWords(name, perCPU), row.lessThanHAProxy(name, perCPU),
	}
	if workload == requests {
		words = append(words, count(row.median(name, packets)), row.beyondWords(name, packets), row.lessThanHAProxy(name, packets),
			micro(row.median(name, p50)), micro(row.median(name, p99)))
	}
	return words
}

// costTable has a line for each kind of packet and a column for each number of
// flows.
func (r *Report) costTable() table {
	t := table{title: "What a packet costs, beyond an empty program, ns", head: []string{"a packet"}}
	for _, n := range flowCounts {
		t.head = append(t.head, fmt.Sprintf("%d flows", n))
	}
	for i, c := range r.Packets {
		if i == 0 || c.Packet != r.Packets[i-1].Packet {
			t.lines = append(t.lines, []string{c.Packet})
		}
		last := len(t.lines) - 1
		t.lines[last] = append(t.lines[last], fmt.Sprintf("%.0f", c.NS))
	}
	for i, l := range t.lines {
		for len(l) < len(t.head) {
			l = append(l, "–")
		}
		t.lines[i] = l
	}
	return t
}

func (r *Report) print(out io.Writer) {
	for _, t := range r.tables() {
		fmt.Fprintf(out, "%s\n\n", t.title)
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, strings.Join(t.head, "\t"))
		for _, l := range t.lines {
			fmt.Fprintln(w, strings.Join(l, "\t"))
		}
		w.Flush()
		fmt.Fprintln(out)
	}
}

// What stands between these two lines of the page is measured.
const (
	pageFrom = "<!-- measured by make bench-balance -->\n"
	pageTo   = "<!-- end -->\n"
)

// page replaces the tables of a page.
func (r *Report) page(name string) error {
	b, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("cannot read the page: %w", err)
	}
	before, rest, ok := strings.Cut(string(b), pageFrom)
	_, after, ok2 := strings.Cut(rest, pageTo)
	if !ok || !ok2 {
		return fmt.Errorf("cannot write to %s: it has no place for tables", name)
	}
	var w strings.Builder
	w.WriteString(before + pageFrom)
	for _, t := range r.tables() {
		fmt.Fprintf(&w, "\n**%s**\n\n| %s |\n|---|%s\n", t.title, strings.Join(t.head, " | "), strings.Repeat("---:|", len(t.head)-1))
		for _, l := range t.lines {
			fmt.Fprintf(&w, "| %s |\n", strings.Join(l, " | "))
		}
	}
	w.WriteString("\n" + pageTo + after)
	if err := os.WriteFile(name, []byte(w.String()), 0o644); err != nil {
		return fmt.Errorf("cannot write the page: %w", err)
	}
	return nil
}
