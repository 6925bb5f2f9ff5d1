package lab

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// recorded makes a prober with a record by hand, one letter per millisecond:
// a or b answered at once, A or B answered too late, '.' never answered, '?'
// not answered yet.
func recorded(fates string) *Prober {
	p := &Prober{
		cfg:      ProbeConfig{Interval: time.Millisecond, Patience: time.Second},
		start:    time.Now().Add(-time.Minute),
		record:   make([]probe, len(fates)+10),
		lateness: make([]atomic.Int64, len(fates)+10),
		names:    []string{"a", "b"},
	}
	for i, fate := range fates {
		line := &p.record[i]
		sent := int64(i)*int64(time.Millisecond) + 1
		switch fate {
		case '?':
			sent = p.now()
		case 'a', 'b':
			line.node.Store(uint32(fate - 'a'))
			line.back.Store(sent + int64(50*time.Microsecond))
		case 'A', 'B':
			line.node.Store(uint32(fate - 'A'))
			line.back.Store(sent + int64(1300*time.Millisecond))
		}
		line.sent.Store(sent)
	}
	return p
}

func TestReport(t *testing.T) {
	type outage struct{ from, length, lost int } // ms
	for _, c := range []struct {
		name     string
		fates    string
		from, to int // ms
		spans    string
		outages  []outage
		late     int
	}{
		{"nothing", "", 0, 100, "", nil, 0},
		{"all well", "aaaaa", 0, 100, "a5", nil, 0},
		{"handover", "aaabb", 0, 100, "a3 b2", nil, 0},
		{"one outage", "aa...bb", 0, 100, "a2 -3 b2", []outage{{1, 4, 3}}, 0},
		{"two outages", "a.a..b", 0, 100, "a1 -1 a1 -2 b1", []outage{{0, 2, 1}, {2, 3, 2}}, 0},
		{"late is lost", "aAAb", 0, 100, "a1 -2 b1", []outage{{0, 3, 2}}, 2},
		{"still waiting", "aa??", 0, 120_000, "a2", nil, 0},
		{"answered out of turn", "a?b", 0, 120_000, "a1 b1", nil, 0},
		{"from the beginning on", "..a", 0, 100, "-2 a1", []outage{{0, 2, 2}}, 0},
		{"to the end", "a..", 0, 10, "a1 -2", []outage{{0, 10, 2}}, 0},
		{"a part of it", "aaa..bbb", 2, 6, "a1 -2 b1", []outage{{2, 3, 2}}, 0},
		{"flapping", "abab", 0, 100, "a1 b1 a1 b1", nil, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := recorded(c.fates)
			at := func(ms int) time.Time { return p.start.Add(time.Duration(ms) * time.Millisecond) }
			r := p.Report(at(c.from), at(c.to))

			if diff := cmp.Diff(c.spans, spans(r)); diff != "" {
				t.Errorf("spans (-want +got):\n%s", diff)
			}
			var outages []outage
			lost := 0
			for _, o := range r.Outages {
				outages = append(outages, outage{
					int(o.From.Sub(p.start).Milliseconds()), int(o.Duration().Milliseconds()), o.Lost,
				})
				lost += o.Lost
			}
			if diff := cmp.Diff(c.outages, outages, cmp.AllowUnexported(outage{})); diff != "" {
				t.Errorf("outages (-want +got):\n%s", diff)
			}
			if want := strings.Count(c.fates, "?"); r.Pending != want {
				t.Errorf("%d probes are pending, want %d", r.Pending, want)
			}
			if r.Lost != lost || r.Late != c.late || r.Sent != r.Answered+r.Lost {
				t.Errorf("sent %d, answered %d, lost %d, late %d", r.Sent, r.Answered, r.Lost, r.Late)
			}
		})
	}
}

func TestReport_LongestAndAnswering(t *testing.T) {
	p := recorded("a..a...b")
	r := p.Report(p.start, p.start.Add(time.Second))
	if got := r.Longest(); got != 4*time.Millisecond {
		t.Errorf("the longest outage is %v, want 4ms", got)
	}
	if got := r.Answering(); got != "b" {
		t.Errorf("%q answers, want b", got)
	}
	empty := &Report{}
	if empty.Longest() != 0 || empty.Answering() != "" {
		t.Error("an empty report tells of something")
	}
}

func TestDistribute(t *testing.T) {
	var all []time.Duration
	for i := range 1000 {
		all = append(all, time.Duration(1000-i))
	}
	want := Distribution{Count: 1000, P50: 500, P99: 990, P999: 999, Max: 1000}
	if diff := cmp.Diff(want, Distribute(all)); diff != "" {
		t.Errorf("of 1 to 1000 (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(Distribution{Count: 1, P50: 7, P99: 7, P999: 7, Max: 7}, Distribute([]time.Duration{7})); diff != "" {
		t.Errorf("of one (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(Distribution{}, Distribute(nil)); diff != "" {
		t.Errorf("of none (-want +got):\n%s", diff)
	}
}

// spans writes the spans of a report as "a3 -2 b1": a answered three probes,
// two were lost, b answered one.
func spans(r *Report) string {
	var all []string
	for _, s := range r.Spans {
		node := s.Node
		if node == "" {
			node = "-"
		}
		all = append(all, fmt.Sprintf("%s%d", node, s.Probes))
	}
	return strings.Join(all, " ")
}
