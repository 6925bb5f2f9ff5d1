package survival

import (
	"strings"
	"testing"
	"time"

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
}

func TestTables(t *testing.T) {
	v := judge(cut, nil)
	v.Reset, v.Requests, v.Longest = 3, 1000, 612*ms
	all := []Trial{{Who: "one", Verdict: v}, {Who: "two", Verdict: judge(cut, nil)}}
	got := tables(all)
	for _, want := range []string{"| | one | two |\n", "| **link cut** | **3** of 10, 0 of 1000 | 0 of 10 |\n", "| **link cut** | 300 ms, 612 ms | 300 ms, 0 ms |\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
}
