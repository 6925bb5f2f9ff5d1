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
	Rows   []Row     `json:"rows"`
}

// Row is one workload: the medians, and all that they are of. Ratios are
// medians of the ratios of each round: the machine is another one in the next.
type Row struct {
	Workload string              `json:"workload"`
	Median   map[string]sample   `json:"median"`
	Rate     float64             `json:"rate_ratio"` // holdfast to haproxy
	CPU      float64             `json:"cpu_ratio"`
	All      map[string][]sample `json:"all"`
}

func newReport() *Report {
	return &Report{Schema: "holdfast/bench/balance/v1", At: time.Now(), CPUs: runtime.NumCPU()}
}

func (r *Report) add(workload string, figures map[string][]sample) {
	row := Row{Workload: workload, Median: map[string]sample{}, All: figures}
	for name, all := range figures {
		row.Median[name] = sample{
			Rate: measure.Median(len(all), func(i int) float64 { return all[i].Rate }),
			CPU:  time.Duration(measure.Median(len(all), func(i int) float64 { return float64(all[i].CPU) })),
		}
	}
	h, p := figures["holdfast"], figures["haproxy"]
	row.Rate = measure.Median(len(h), func(i int) float64 { return h[i].Rate / p[i].Rate })
	row.CPU = measure.Median(len(h), func(i int) float64 { return float64(h[i].CPU) / float64(p[i].CPU) })
	r.Rows = append(r.Rows, row)
}

func (r *Report) print(out io.Writer) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "what\tthrough\ta second\tCPU in the middle")
	for _, row := range r.Rows {
		for _, c := range contenders {
			m := row.Median[c.name]
			rate, cpu := fmt.Sprintf("%.0f", m.Rate), fmt.Sprintf("%.1f µs each", float64(m.CPU)/1e3)
			if row.Workload == bulk {
				rate, cpu = fmt.Sprintf("%.2f Gbit", m.Rate*8/1e9), fmt.Sprintf("%.0f ms/GB", float64(m.CPU)/1e6)
			}
			if c.start == nil {
				cpu = ""
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", row.Workload, c.name, rate, cpu)
		}
	}
	w.Flush()
	fmt.Fprintln(out)
	for _, row := range r.Rows {
		fmt.Fprintf(out, "%s: holdfast/haproxy ×%.2f a second, ×%.2f CPU\n", row.Workload, row.Rate, row.CPU)
	}
}
