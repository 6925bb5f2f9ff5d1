package demo

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestLanes(t *testing.T) {
	nodes := []Node{{Name: "lb1"}, {Name: "lb2"}}
	s := style{marks: asciiMarks, paint: plain, width: margin + 20}
	for _, c := range []struct {
		name  string
		spans []Span // of a timeline of 20 columns of 10ms, 50ms before the action
		want  []string
	}{
		{"nothing yet", nil, []string{"   lb1", "   lb2"}},
		{
			"one probe is one column",
			[]Span{{"lb2", ms(0), ms(0), 1}},
			[]string{"   lb1", "   lb2         ="},
		},
		{
			"two nodes in one column",
			[]Span{{"lb1", ms(-50), ms(4), 1}, {"lb2", ms(5), ms(149), 1}},
			[]string{"   lb1    ======", "   lb2         ==============="},
		},
		{
			"lost for less than a column",
			[]Span{{"lb1", ms(-50), ms(61), 1}, {"", ms(62), ms(63), 1}, {"lb1", ms(64), ms(140), 1}},
			[]string{"   lb1    ====================", "   lb2", "   lost              x"},
		},
		{
			"beyond both ends",
			[]Span{{"lb1", ms(-500), ms(-400), 1}, {"lb2", ms(900), ms(999), 1}},
			[]string{"   lb1    =", "   lb2                       ="},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			step := &Step{Action: "go", Timeline: Timeline{From: ms(-50), To: ms(150), Spans: c.spans}}
			for _, span := range c.spans {
				if span.Node == "" {
					step.Lost += span.Probes
				}
			}
			want := append(c.want, "   -0.1 s      ^ go     +0.1 s") // -0.05 and 0.15, to even
			if diff := cmp.Diff(want, lanes(step, nodes, s)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestGrid_EmptyTimeline(t *testing.T) {
	g := grid{columns: 10}
	if got := g.column(ms(5)); got != 0 {
		t.Errorf("column %d of a timeline without length, want 0", got)
	}
}

func TestScreen_DrawsOver(t *testing.T) {
	r := sample()
	var out bytes.Buffer
	v := &screen{out: &out, nodes: r.Nodes, style: style{marks: asciiMarks, paint: plain, width: 72, moving: true}}
	v.begin(1, &r.Steps[0])
	v.look(&r.Steps[0])
	v.look(&r.Steps[0])
	v.end(&r.Steps[0])
	v.begin(2, &r.Steps[1])
	v.look(&r.Steps[1])
	// Three lanes, an axis and a line about the daemons.
	if n := strings.Count(out.String(), "\x1b[5A\x1b[J"); n != 2 {
		t.Errorf("drew %d times over five lines, want 2:\n%q", n, out.String())
	}
	if n := strings.Count(out.String(), "\x1b["); n != 4 {
		t.Errorf("%d control sequences, want 4: the second step must not draw over the first", n)
	}
}

func TestScreen_NeverWrapsWhatItDrawsOver(t *testing.T) {
	r := sample()
	for i := range r.Steps {
		var out bytes.Buffer
		v := &screen{out: &out, nodes: r.Nodes, style: style{marks: asciiMarks, paint: plain, width: 60, moving: true}}
		v.look(&r.Steps[i])
		for line := range strings.Lines(out.String()) {
			if n := len(strings.TrimSuffix(line, "\n")); n > 60 {
				t.Errorf("%d columns in a terminal of 60: %s", n, line)
			}
		}
	}
}

func TestStyleFor_NoTerminal(t *testing.T) {
	for _, c := range []struct {
		name string
		env  map[string]string
		want string // the bar
	}{
		{"nothing set", nil, "="},
		{"C", map[string]string{"LANG": "C"}, "="},
		{"UTF-8", map[string]string{"LANG": "de_AT.UTF-8"}, "━"},
		{"utf8", map[string]string{"LC_CTYPE": "C.utf8"}, "━"},
		{"LC_ALL rules", map[string]string{"LC_ALL": "C", "LANG": "en_US.UTF-8"}, "="},
		{"LC_CTYPE before LANG", map[string]string{"LC_CTYPE": "en_US.UTF-8", "LANG": "C"}, "━"},
	} {
		s := styleFor(new(bytes.Buffer), func(name string) string { return c.env[name] })
		if s.marks.bar != c.want || s.moving || s.paint(red, "x") != "x" {
			t.Errorf("%s: bar %q, moving %v, colours %q", c.name, s.marks.bar, s.moving, s.paint(red, "x"))
		}
	}
}

func TestPromise(t *testing.T) {
	// RFC 9568 §6.1: 3 x 100ms + (256-150)/256 x 100ms, and a 32nd of 100ms
	// to listen.
	p := takeover(100*time.Millisecond, 150)
	if want := 344500*time.Microsecond + slack; time.Duration(p.Bound) != want {
		t.Errorf("bound %v, want %v", time.Duration(p.Bound), want)
	}
	// A frozen holder's kernel answers for all but 400µs of three intervals.
	if want, e := 44900*time.Microsecond+slack, expiry(100*time.Millisecond, 150); time.Duration(e.Bound) != want {
		t.Errorf("bound %v, want %v", time.Duration(e.Bound), want)
	}
	for _, c := range []struct {
		p      Promise
		lost   int
		outage time.Duration
		want   bool
	}{
		{p, 300, time.Duration(p.Bound), true},
		{p, 300, time.Duration(p.Bound) + 1, false},
		{lossless("because"), 0, 0, true},
		{lossless("because"), 1, time.Millisecond, false},
	} {
		if got := c.p.kept(c.lost, c.outage); got != c.want {
			t.Errorf("%v with %d lost in %v: kept %v, want %v", c.p, c.lost, c.outage, got, c.want)
		}
	}
}

func TestMilliseconds(t *testing.T) {
	for d, want := range map[time.Duration]string{
		1500 * time.Microsecond:   "1.5 ms",
		345200 * time.Microsecond: "345 ms",
		3585 * time.Millisecond:   "3585 ms",
		123456 * time.Millisecond: "123.5 s",
	} {
		if got := milliseconds(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}

func TestHolder(t *testing.T) {
	for _, c := range []struct {
		states []NodeState
		want   string
	}{
		{nil, ""},
		{[]NodeState{{"lb1", backup}, {"lb2", active}}, "lb2"},
		{[]NodeState{{"lb1", active}, {"lb2", active}}, ""},
		{[]NodeState{{"lb1", frozen}, {"lb2", active}, {"lb3", off}}, "lb2"},
	} {
		if got := holder(c.states); got != c.want {
			t.Errorf("holder of %v is %q, want %q", c.states, got, c.want)
		}
	}
}

func TestTimeline_Stale(t *testing.T) {
	span := func(node string, n int) Span { return Span{Node: node, Probes: n} }
	for _, c := range []struct {
		spans []Span
		want  int
	}{
		{[]Span{span("lb1", 5), span("lb2", 5)}, 0},
		{[]Span{span("lb1", 5), span("", 2), span("lb1", 5)}, 0}, // nobody else answered in between
		{[]Span{span("lb1", 5), span("lb2", 5), span("lb1", 3), span("lb2", 1), span("lb1", 4)}, 7},
	} {
		if got := (Timeline{Spans: c.spans}).stale("lb1"); got != c.want {
			t.Errorf("%v: %d stale probes, want %d", c.spans, got, c.want)
		}
	}
}

func TestNode_FileHasTenLines(t *testing.T) {
	for _, interval := range []time.Duration{10 * time.Millisecond, time.Second} {
		n := &node{dir: "/tmp/x", Node: Node{Name: "lb1", Priority: 150}}
		if got := strings.Count(n.file(interval), "\n"); got != 10 {
			t.Errorf("%d lines, want 10:\n%s", got, n.file(interval))
		}
	}
}
