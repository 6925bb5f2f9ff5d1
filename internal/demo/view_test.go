package demo

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-net/holdfast/internal/api"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares with a file in testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got; -update writes it):\n%s", path, diff)
	}
}

func ms(n float64) api.Duration { return api.Duration(n * float64(time.Millisecond)) }

// sample is a result with a step of each kind.
func sample() *Result {
	n := &node{dir: "/tmp/holdfast-demo-1", Node: Node{Name: "lb1", Address: "192.0.2.11", Priority: 150}}
	r := &Result{
		Schema: Schema, Version: "v1.2.3", Started: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC),
		Address: "192.0.2.10", Interval: ms(100), ProbeInterval: ms(1), Client: "192.0.2.100",
		Config:  n.file(100 * time.Millisecond),
		Elected: "lb1", ElectedAfter: ms(412.3), OK: true,
		Nodes: []Node{n.Node, {Name: "lb2", Address: "192.0.2.12", Priority: 120}, {Name: "lb3", Address: "192.0.2.13", Priority: 100}},
	}
	mac := []string{"00:00:5e:00:01:33"}
	r.add(Step{
		Name: "handover", Title: "A planned handover, lb1 to lb2", Action: "handover",
		Command: "holdfast handover web --to lb2", Node: "lb1", Before: "lb1", After: "lb2",
		Sent: 1800, Promise: lossless("the leaving node serves until it hears its successor"), Kept: true,
		Answered: map[string]int{"lb1": 304, "lb2": 1496}, MACs: mac, Claims: []Claim{},
		States: []NodeState{{"lb1", "backup"}, {"lb2", "active"}, {"lb3", "backup"}},
		Timeline: Timeline{From: ms(-300), To: ms(1500), Spans: []Span{
			{"lb1", ms(-300), ms(3), 304}, {"lb2", ms(4), ms(1500), 1496},
		}},
	})
	r.add(Step{
		Name: "kill", Title: "The holder's machine dies: lb2, all at once", Action: "power off",
		Node: "lb2", Before: "lb2", After: "lb1",
		Sent: 1800, Lost: 344, Outage: ms(345.2), Promise: takeover(100*time.Millisecond, 150), Kept: true,
		Answered: map[string]int{"lb1": 1155, "lb2": 301}, MACs: mac, Claims: []Claim{},
		States: []NodeState{{"lb1", "active"}, {"lb2", "off"}, {"lb3", "backup"}},
		Timeline: Timeline{From: ms(-300), To: ms(1500), Spans: []Span{
			{"lb2", ms(-300), ms(0), 301}, {"", ms(1), ms(345), 344}, {"lb1", ms(346), ms(1500), 1155},
		}},
	})
	r.add(Step{
		Name: "freeze", Title: "The holder's daemon freezes: lb1, its kernel goes on", Action: "SIGSTOP",
		Command: "kill -STOP 4711", Node: "lb1", Before: "lb1", After: "lb2",
		Sent: 2100, Lost: 57, Outage: ms(57.2), Promise: expiry(100*time.Millisecond, 120), Kept: true,
		Answered: map[string]int{"lb1": 605, "lb2": 1438}, MACs: mac,
		Claims: []Claim{{"lb2", mac[0]}},
		States: []NodeState{{"lb1", "frozen"}, {"lb2", "active"}, {"lb3", "backup"}},
		Timeline: Timeline{From: ms(-300), To: ms(1800), Spans: []Span{
			{"lb1", ms(-300), ms(304), 605},
			{"", ms(305), ms(361), 57},
			{"lb2", ms(362), ms(1800), 1438},
		}},
	})
	r.add(Step{
		Name: "stop", Title: "A clean shutdown of the holder: lb2", Action: "SIGTERM",
		Command: "systemctl stop holdfast", Node: "lb2", Before: "lb2", After: "lb2",
		Sent: 1800, Lost: 1, Outage: ms(2), Promise: lossless("the leaving node serves until it hears its successor"),
		Answered: map[string]int{"lb2": 1799}, MACs: mac, Claims: []Claim{},
		States: []NodeState{{"lb1", "frozen"}, {"lb2", "active"}, {"lb3", "backup"}},
		Timeline: Timeline{From: ms(-300), To: ms(1500), Spans: []Span{
			{"lb2", ms(-300), ms(700), 1000}, {"", ms(701), ms(701), 1}, {"lb2", ms(702), ms(1500), 799},
		}},
	})
	return r
}

// play shows a finished result as if it happened now.
func play(t *testing.T, v view, r *Result) {
	t.Helper()
	v.opening(r)
	for i := range r.Steps {
		v.begin(i+1, &r.Steps[i])
		v.look(&r.Steps[i])
		v.end(&r.Steps[i])
	}
	if err := v.closing(r); err != nil {
		t.Fatal(err)
	}
}

func TestScreen(t *testing.T) {
	for _, c := range []struct {
		file  string
		style style
	}{
		{"unicode.golden", style{marks: unicodeMarks, paint: plain, width: 80}},
		{"ascii.golden", style{marks: asciiMarks, paint: plain, width: 72}},
		{"colour.golden", style{marks: unicodeMarks, paint: coloured, width: 80, moving: true}},
	} {
		t.Run(c.file, func(t *testing.T) {
			var out bytes.Buffer
			play(t, &screen{out: &out, style: c.style}, sample())
			golden(t, c.file, out.String())
			if !c.style.moving {
				for line := range strings.Lines(out.String()) {
					if n := len([]rune(strings.TrimRight(line, "\n"))); n > 80 {
						t.Errorf("%d columns: %s", n, line)
					}
				}
			}
			if c.file == "ascii.golden" && strings.ContainsFunc(out.String(), func(r rune) bool { return r > 126 }) {
				t.Error("the ASCII show has characters beyond ASCII")
			}
		})
	}
}

func TestDocument(t *testing.T) {
	var out bytes.Buffer
	play(t, document{out: &out}, sample())
	golden(t, "document.golden.json", out.String())
}

func TestScreen_AllKept(t *testing.T) {
	r := sample()
	r.Steps[3].Kept, r.OK = true, true
	all := strings.Join(closing(r, style{marks: asciiMarks, paint: plain}), "\n")
	if strings.Contains(all, "NO") || strings.Contains(all, "Not every") {
		t.Errorf("all promises were kept, and the table says:\n%s", all)
	}
}

func TestWarning_FewAnswer(t *testing.T) {
	for _, c := range []struct {
		claims int
		want   []string
	}{
		{0, []string{"     asked by ARP who has the address, nobody answers"}},
		{1, []string{
			"     asked by ARP who has the address, only lb2 answers: the frozen node's",
			"     hold is over, and its kernel drops the question",
		}},
	} {
		step := sample().Steps[2]
		step.Claims = step.Claims[:c.claims]
		got := warning(&step, style{marks: asciiMarks, paint: plain})
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%d claims (-want +got):\n%s", c.claims, diff)
		}
	}
}
