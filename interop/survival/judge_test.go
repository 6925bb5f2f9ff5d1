package survival

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-net/holdfast/internal/lab"
	"github.com/holdfast-net/holdfast/interop/survival/load"
)

const ms = time.Millisecond

// cut is a fault at 1 s, from which the address was away for 300 ms.
var cut = Phase{Name: "link cut", From: 1000 * ms, To: 9000 * ms, Outage: 300 * ms, Over: 1300 * ms, Struck: 1005 * ms, Connections: 10}

func TestJudge(t *testing.T) {
	at := func(kind load.Kind, began, took time.Duration, o load.Outcome) load.Record {
		return load.Record{Kind: kind, Began: began, Took: took, Outcome: o}
	}
	for name, c := range map[string]struct {
		record load.Record
		broken string // a part of what is said; none: nothing
	}{
		"an echo at once":                        {at(load.Echo, 2000*ms, ms, load.Done), ""},
		"one that TCP sent again":                {at(load.Echo, 1001*ms, 610*ms, load.Done), ""},
		"one that took longer than that":         {at(load.Echo, 1001*ms, 1200*ms, load.Done), "1 exchanges took longer than 1.1s"},
		"a reset":                                {at(load.Echo, 2000*ms, ms, load.Reset), "1 of 10 connections were reset"},
		"an idle one that ended":                 {at(load.Idle, 2000*ms, ms, load.Closed), "1 of 10 connections were reset"},
		"other bytes":                            {at(load.Download, 2000*ms, ms, load.Wrong), "1 of 10 connections were reset"},
		"nobody there":                           {at(load.Echo, 2000*ms, 5000*ms, load.Silence), "1 of 10 connections got no answer any more"},
		"a request whose SYN was sent again":     {at(load.Request, 1100*ms, 1001*ms, load.Done), ""},
		"one that was on its way":                {at(load.Request, 1004*ms, ms, load.Silence), ""},
		"one that failed":                        {at(load.Request, 1100*ms, ms, load.Reset), "1 requests failed that began before"},
		"one that failed after the move":         {at(load.Request, 1301*ms, ms, load.Reset), "1 requests failed that began after"},
		"one that nobody answered after a while": {at(load.Request, 4000*ms, 4000*ms, load.Silence), "1 requests failed that began after"},
	} {
		got := strings.Join(judge(cut, []load.Record{c.record}).Broken(), "\n")
		if c.broken == "" && got != "" || !strings.Contains(got, c.broken) {
			t.Errorf("%s: broken is %q, want %q", name, got, c.broken)
		}
	}
}

// A request that was on its way fails either way, but one that is told can be
// tried again soon.
func TestJudge_WhoWasToldAndWhoWaited(t *testing.T) {
	v := judge(cut, []load.Record{
		{Kind: load.Request, Began: 1001 * ms, Took: 1400 * ms, Outcome: load.Reset},
		{Kind: load.Request, Began: 1002 * ms, Took: 3000 * ms, Outcome: load.Reset},
		{Kind: load.Request, Began: 1003 * ms, Took: 10000 * ms, Outcome: load.Silence},
	})
	if v.Flying != 3 || v.Told != 2 || v.Learned != 3000*ms {
		t.Errorf("%d failed, %d were told after %v at most", v.Flying, v.Told, v.Learned)
	}
}

func TestJudge_ForHowLongNobodyWasServed(t *testing.T) {
	var records []load.Record
	for began := 1000 * ms; began < 3000*ms; began += 10 * ms {
		r := load.Record{Kind: load.Request, Began: began, Took: ms}
		if began > 1500*ms && began < 1800*ms {
			r.Took = 1001 * ms
		}
		records = append(records, r)
	}
	if got := judge(cut, records).Unserved; got != 300*ms {
		t.Errorf("nobody was served for %v, want 300ms", got)
	}
	if got := judge(cut, records[40:]).Unserved; got != 400*ms {
		t.Errorf("nobody was served for %v from the fault on, want 400ms", got)
	}
}

func TestTables(t *testing.T) {
	v := judge(cut, nil)
	v.Reset, v.Requests, v.Longest, v.SlowAfter = 3, 1000, 612*ms, 2
	all := []Trial{{Who: "one", Verdict: v}, {Who: "two", Verdict: judge(cut, nil)}}
	got := tables(all)
	for _, want := range []string{"| | one | two |\n", "| **link cut** | **3** of 10, 0 of 1000 (2 slow) | 0 of 10 |\n", "| **link cut** | 300 ms, 612 ms | 300 ms, 0 ms |\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
}

func TestResults_AreMergedByPairAndFault(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trials")
	trial := func(who, fault string, reset int) Trial {
		return Trial{Who: who, Verdict: Verdict{Phase: Phase{Name: fault}, Reset: reset}}
	}
	add := func(r *Results, all ...Trial) {
		t.Helper()
		for _, one := range all {
			if err := r.Add(one); err != nil {
				t.Fatal(err)
			}
		}
	}
	add(NewResults(path), trial("one", "cut", 1), trial("two", "cut", 2), trial("one", "killed", 3))
	again := NewResults(path)
	if err := again.Read(); err != nil {
		t.Fatal(err)
	}
	add(again, trial("one", "cut", 4), trial("one", "cut", 5)) // twice in the same run: both count
	got := NewResults(path)
	if err := got.Read(); err != nil {
		t.Fatal(err)
	}
	want := []Trial{trial("two", "cut", 2), trial("one", "killed", 3), trial("one", "cut", 4), trial("one", "cut", 5)}
	if diff := cmp.Diff(want, got.All); diff != "" {
		t.Errorf("other trials than they have to be (-want +got):\n%s", diff)
	}
}

func TestDifferences(t *testing.T) {
	before := map[string]map[string]uint64{"lb1": {"dropped: no flow": 3, "new flows": 100}, "lb2": {"new flows": 7}}
	after := map[string]map[string]uint64{"lb1": {"dropped: no flow": 5, "new flows": 2}, "lb2": {"new flows": 7}, "lb3": {"x": 1}}
	want := []string{"lb1: dropped: no flow 2, new flows 2", "lb3: x 1"} // lb1's new flows are of a daemon that began anew
	if diff := cmp.Diff(want, differences(before, after)); diff != "" {
		t.Errorf("other differences than they have to be (-want +got):\n%s", diff)
	}
}

// What is kept of a fault names the exchange that was lost, and when.
func TestEvidence_NamesWhatWasLost(t *testing.T) {
	start := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	clock := start.Add
	from := netip.MustParseAddrPort("192.0.2.101:4711")
	records := []load.Record{
		{Kind: load.Echo, Began: 1100 * ms, Took: ms, Outcome: load.Reset, From: from},
		{Kind: load.Request, Began: 2000 * ms, Took: ms},
	}
	e := &Evidence{
		Verdict: judge(cut, records), at: clock(cut.From), clock: clock, records: records, report: &lab.Report{Outages: []lab.Outage{{From: clock(1000 * ms), To: clock(1300 * ms)}}},
		pair: silent{}, after: map[string]map[string]uint64{"lb2": {"dropped: no flow": 1}},
	}
	dir := t.TempDir()
	if err := e.Keep(dir); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "summary.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"broken: link cut: 1 of 10 connections were reset\n", "meanwhile: lb2: dropped: no flow 1\n",
		"08:00:01.000    +0.000 s  prober   nobody answers at the address for 300ms\n",
		"08:00:01.100    +0.100 s  client   begins what ends after 1ms, echo: reset, from 192.0.2.101:4711\n",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
}

// silent is a pair that says nothing.
type silent struct{ Pair }

func (silent) Logs() string { return "" }

func TestMoved(t *testing.T) {
	at := func(ms int) time.Time { return time.UnixMilli(int64(ms)) }
	span := func(node string, from, to int) lab.Span { return lab.Span{Node: node, From: at(from), To: at(to)} }
	for name, c := range map[string]struct {
		spans          []lab.Span
		stopped, began int // 0: it has not moved there
	}{
		"it stays":               {[]lab.Span{span("lb2", 0, 1000)}, 0, 0},
		"at once":                {[]lab.Span{span("lb1", 0, 100), span("lb2", 104, 1000)}, 104, 104},
		"after an outage":        {[]lab.Span{span("lb1", 0, 100), span("", 104, 400), span("lb2", 404, 1000)}, 104, 404},
		"there, back, and there": {[]lab.Span{span("lb1", 0, 100), span("lb2", 104, 200), span("lb1", 204, 300), span("lb2", 304, 1000)}, 304, 304},
		"to the other one":       {[]lab.Span{span("lb2", 0, 100), span("lb1", 104, 1000)}, 0, 0},
	} {
		stopped, began, ok := moved(c.spans, "lb2")
		if ok != (c.began > 0) || ok && (!stopped.Equal(at(c.stopped)) || !began.Equal(at(c.began))) {
			t.Errorf("%s: %v, %v, %v", name, stopped, began, ok)
		}
	}
}
