package realtime

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/linux/wire"
)

// BenchmarkLateness measures how late the loop wakes up for an instant, every
// 10 ms, on an idle machine and beside three busy loops per core, under
// several arrangements. Each runs in a process of its own, because an
// arrangement is for ever. It takes minutes and all of the machine:
//
//	go test ./internal/linux/realtime -run '^$' -bench Lateness -benchtime 1x
func BenchmarkLateness(b *testing.B) {
	if os.Geteuid() != 0 {
		b.Skip("needs root: asks for the real-time class")
	}
	for _, load := range []string{"idle", "busy"} {
		for _, arrangement := range arrangements {
			b.Run(load+"/"+arrangement.name, func(b *testing.B) {
				if load == "busy" {
					busy(b, 3*runtime.NumCPU())
				}
				for range b.N {
					cmd := exec.Command("/proc/self/exe", "-test.run=^TestLatenessChild$")
					cmd.Env = append(os.Environ(), "HOLDFAST_LATENESS="+arrangement.name)
					cmd.Env = append(cmd.Env, arrangement.env...)
					out, err := cmd.CombinedOutput()
					if err != nil {
						b.Fatalf("%v\n%s", err, out)
					}
					report(b, string(out))
				}
			})
		}
	}
}

// busy keeps n plain processes computing until the benchmark ends.
func busy(b *testing.B, n int) {
	for range n {
		cmd := exec.Command("/bin/sh", "-c", "while :; do :; done")
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		})
	}
}

// report hands the child's figures to the benchmark's output.
func report(b *testing.B, out string) {
	for line := range strings.SplitSeq(out, "\n") {
		f := strings.Fields(line)
		if len(f) != 3 || f[0] != "figure" {
			continue
		}
		v, err := strconv.ParseFloat(f[2], 64)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(v, f[1])
	}
	b.ReportMetric(0, "ns/op")
}

type arrangement struct {
	name  string
	env   []string
	start func() error
}

const benchPriority = 50

var arrangements = []arrangement{
	{"ordinary", nil, func() error { return nil }},
	{"raised", nil, func() error { return raiseThreads(benchPriority) }},
	{"raised, 2 processors more", []string{"GOMAXPROCS=" + strconv.Itoa(runtime.NumCPU()+2)}, func() error { return raiseThreads(benchPriority) }},
	{"raised, no gc", []string{"GOGC=off"}, func() error { return raiseThreads(benchPriority) }},
	{"tuned", nil, tuned},
}

// tuned is what the daemon does. Being spared when memory runs out is not
// what is measured, and may be refused.
func tuned() error {
	return Tune(benchPriority)[0].Err
}

// TestLatenessChild is the process that the benchmark measures.
func TestLatenessChild(t *testing.T) {
	name := os.Getenv("HOLDFAST_LATENESS")
	if name == "" {
		t.Skip("runs as a child of BenchmarkLateness")
	}
	i := slices.IndexFunc(arrangements, func(a arrangement) bool { return a.name == name })
	if err := arrangements[i].start(); err != nil {
		t.Fatal(err)
	}
	go churn()
	seconds := 10
	if s, err := strconv.Atoi(os.Getenv("HOLDFAST_LATENESS_SECONDS")); err == nil {
		seconds = s
	}
	late := make(chan []time.Duration)
	go func() {
		late <- pace(t, 10*time.Millisecond, seconds*100)
	}()
	figures := <-late
	slices.Sort(figures)
	at := func(q float64) float64 {
		return float64(figures[min(int(q*float64(len(figures))), len(figures)-1)].Nanoseconds()) / 1000
	}
	var gc debug.GCStats
	debug.ReadGCStats(&gc)
	for _, f := range []struct {
		unit  string
		value float64
	}{
		{"p50-us", at(0.50)},
		{"p99-us", at(0.99)},
		{"p99.9-us", at(0.999)},
		{"max-us", at(1)},
		{"collections", float64(gc.NumGC)},
	} {
		fmt.Println("figure", f.unit, f.value)
	}
}

// pace wakes up n times and returns how late each was.
func pace(t *testing.T, every time.Duration, n int) []time.Duration {
	w, err := wire.New()
	if err != nil {
		t.Error(err)
		return make([]time.Duration, 1)
	}
	defer w.Shutdown()
	in := make([]engine.Datagram, 16)
	late := make([]time.Duration, 0, n)
	next := time.Now().Add(every)
	for range n {
		for time.Until(next) > 0 {
			if _, _, err := w.Wait(next, in); err != nil {
				t.Error(err)
				return late
			}
		}
		late = append(late, time.Since(next))
		next = next.Add(every)
	}
	return late
}

// churn does what the rest of the daemon does, and more of it: it allocates,
// keeps some of it, and computes.
func churn() {
	keep := make([][]byte, 4096)
	for i := 0; ; i++ {
		for j := range 64 {
			keep[(i*64+j)%len(keep)] = make([]byte, 1024)
		}
		time.Sleep(time.Millisecond)
	}
}
