package main

import (
	"fmt"
	"io"
	"runtime"
	"text/tabwriter"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/linux/gate"
)

// Report is everything that one run measured.
type Report struct {
	Schema  string       `json:"schema"`
	At      time.Time    `json:"at"`
	CPUs    int          `json:"cpus"`
	Kernel  string       `json:"kernel"`
	Line    gate.LineID  `json:"line"`
	Traffic []Traffic    `json:"traffic"`
	Runs    []ProgramRun `json:"runs"`
}

// Traffic is the medians of one workload. Ratios are those of the runs of one
// round, which had the same machine around them.
type Traffic struct {
	Name        string            `json:"name"`
	Unit        string            `json:"unit"`
	Without     float64           `json:"without"`
	Held        float64           `json:"held"`
	Beside      float64           `json:"beside"`
	HeldRatio   float64           `json:"held_ratio"`
	BesideRatio float64           `json:"beside_ratio"`
	HookRatio   float64           `json:"hook_ratio"`
	All         map[way][]float64 `json:"all"`
}

// ProgramRun is what one run of a program took under a workload.
type ProgramRun struct {
	Name        string  `json:"name"`
	Way         way     `json:"way"`
	Runs        uint64  `json:"runs"`
	Nanoseconds float64 `json:"nanoseconds"`
}

func newReport(line gate.LineID) *Report {
	r := &Report{Schema: "holdfast/bench/gate/v1", At: time.Now(), CPUs: runtime.NumCPU(), Line: line}
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		r.Kernel = unix.ByteSliceToString(name.Release[:])
	}
	return r
}

func (r *Report) add(w workload, figures map[way][]float64) {
	t := Traffic{
		Name: w.name, Unit: w.unit, All: figures,
		Without: median(figures[without]), Held: median(figures[held]), Beside: median(figures[beside]),
	}
	t.HeldRatio, t.BesideRatio, t.HookRatio = ratio(figures, held), ratio(figures, beside), ratio(figures, hook)
	r.Traffic = append(r.Traffic, t)
	fmt.Printf("%-12s %12.4g %s without, held ×%.3f, beside ×%.3f, hook ×%.3f\n", t.Name, t.Without, t.Unit, t.HeldRatio, t.BesideRatio, t.HookRatio)
}

// ratio is the median of what a way came to beside no gate, round by round.
func ratio(figures map[way][]float64, how way) float64 {
	v := make([]float64, len(figures[how]))
	for i := range v {
		v[i] = figures[how][i] / figures[without][i]
	}
	return median(v)
}

// addRuns measures program runs in a run of its own: counting costs as well.
func (r *Report) addRuns(l *link, w workload, how way, each time.Duration) error {
	if l.line != gate.TCX {
		return nil
	}
	stats, err := ebpf.EnableStats(uint32(unix.BPF_STATS_RUN_TIME))
	if err != nil {
		return fmt.Errorf("cannot count program runs: %w", err)
	}
	defer stats.Close()
	if err := l.arrange(how); err != nil {
		return err
	}
	n0, spent0, err := l.runs()
	if err != nil {
		return err
	}
	if _, err := l.traffic(w, how, each); err != nil {
		return err
	}
	n1, spent1, err := l.runs()
	if err != nil {
		return err
	}
	if n1 > n0 {
		r.Runs = append(r.Runs, ProgramRun{w.name, how, n1 - n0, float64(spent1-spent0) / float64(n1-n0)})
	}
	return nil
}

func (r *Report) print(out io.Writer) {
	fmt.Fprintf(out, "\nThe gate's cost: %s, Linux %s, %d CPUs\n\n", r.Line, r.Kernel, r.CPUs)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "traffic\tunit\twithout\theld\tbeside\theld/without\tbeside/without\thook/without")
	for _, t := range r.Traffic {
		fmt.Fprintf(w, "%s\t%s\t%.4g\t%.4g\t%.4g\t%.3f\t%.3f\t%.3f\n", t.Name, t.Unit, t.Without, t.Held, t.Beside, t.HeldRatio, t.BesideRatio, t.HookRatio)
	}
	fmt.Fprintln(w, "\t\t\t\t\t\t\t")
	fmt.Fprintln(w, "traffic\tway\truns\tns/run\t\t\t\t")
	for _, p := range r.Runs {
		fmt.Fprintf(w, "%s\t%s\t%d\t%.0f\t\t\t\t\n", p.Name, p.Way, p.Runs, p.Nanoseconds)
	}
	_ = w.Flush()
}
