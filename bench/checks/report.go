package main

import (
	"fmt"
	"io"
	"runtime"
	"text/tabwriter"
	"time"

	"github.com/holdfast-net/holdfast/bench/measure"
)

// Report is everything that one run measured.
type Report struct {
	Schema string    `json:"schema"`
	At     time.Time `json:"at"`
	CPUs   int       `json:"cpus"`
	Checks int       `json:"checks"`
	Rows   []Row     `json:"rows"`
}

// Row is one workload: the medians, and all that they are of.
type Row struct {
	Workload string              `json:"workload"`
	Median   map[string]sample   `json:"median"`
	Ratio    float64             `json:"cpu_per_look_ratio"` // holdfast to haproxy
	All      map[string][]sample `json:"all"`
}

func newReport(number int) *Report {
	return &Report{Schema: "holdfast/bench/checks/v1", At: time.Now(), CPUs: runtime.NumCPU(), Checks: number}
}

func (r *Report) add(workload string, figures map[string][]sample) {
	row := Row{Workload: workload, Median: map[string]sample{}, All: figures}
	for name, all := range figures {
		of := func(value func(sample) float64) float64 {
			return measure.Median(len(all), func(i int) float64 { return value(all[i]) })
		}
		row.Median[name] = sample{
			Looks: of(func(s sample) float64 { return s.Looks }),
			CPU:   time.Duration(of(func(s sample) float64 { return float64(s.CPU) })),
			Share: of(func(s sample) float64 { return s.Share }),
			RSS:   int64(of(func(s sample) float64 { return float64(s.RSS) })),
		}
	}
	row.Ratio = float64(row.Median["holdfast"].CPU) / float64(row.Median["haproxy"].CPU)
	r.Rows = append(r.Rows, row)
}

func (r *Report) print(out io.Writer) {
	fmt.Fprintf(out, "\n%d checks, each once a second, on one processor; medians\n\n", r.Checks)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "check\tby\tlooks/s\tµs of CPU/look\tof one CPU\tMiB")
	for _, row := range r.Rows {
		for _, c := range checkers {
			m := row.Median[c.name]
			fmt.Fprintf(w, "%s\t%s\t%.0f\t%.1f\t%.1f %%\t%.0f\n", row.Workload, c.name, m.Looks, float64(m.CPU)/1e3, 100*m.Share, float64(m.RSS)/(1<<20))
		}
	}
	w.Flush()
	fmt.Fprintln(out)
	for _, row := range r.Rows {
		fmt.Fprintf(out, "%s: holdfast/haproxy ×%.2f CPU per look\n", row.Workload, row.Ratio)
	}
}
