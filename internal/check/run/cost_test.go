package run

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/check"
)

type nothing struct{}

func (nothing) Try(context.Context) check.Seen { return check.Passed("fine") }

// What a look costs beside what the probe does.
func BenchmarkLook(b *testing.B) {
	r := New(Options{Probe: func(check.Kind) check.Probe { return nothing{} }, Tell: func(string, check.Change) {}})
	var specs []check.Spec
	for i := range 1000 {
		s := spec(fmt.Sprint(i))
		s.Interval = time.Microsecond // always due
		specs = append(specs, s)
	}
	r.Apply(specs)
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan struct{})
	go func() { defer close(done); r.Run(ctx) }()
	b.ReportAllocs()
	for b.Loop() {
		want := r.Figures().Looks + 1000
		for r.Figures().Looks < want {
			time.Sleep(50 * time.Microsecond)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/look")
	cancel()
	<-done
}
