package demo

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/holdfast-net/holdfast/internal/api"
)

// indent is where the pictures begin, and margin where their lanes do.
const (
	indent = 3
	margin = indent + 7
)

// lanes draws a step's timeline: one lane for each node with a bar where the
// client heard it, one for the probes nobody answered where there are any,
// and a line that says what happened at instant zero.
//
//	lb1    ━━━━━━━━━━━
//	lb2               ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
//	lb3
//	-0.3 s            ▲ handover                        +1.5 s
func lanes(step *Step, nodes []Node, s style) []string {
	grid := grid{t: step.Timeline, columns: s.width - margin}
	var lines []string
	for i, n := range nodes {
		colour := laneColours[i%len(laneColours)]
		lines = append(lines, grid.lane(n.Name, n.Name, s.marks.bar, colour, s))
	}
	if step.Lost > 0 {
		lines = append(lines, grid.lane("lost", "", s.marks.lost, red, s))
	}
	return append(lines, grid.axis(step.Action, s))
}

// lane draws the probes that node answered, "" for those nobody did.
func (g grid) lane(label, node, mark, colour string, s style) string {
	var b strings.Builder
	b.WriteString(strings.Repeat(" ", indent) + s.paint(colour, pad(label, margin-indent)))
	for _, run := range g.runs(node) {
		if run.on {
			b.WriteString(s.paint(colour, strings.Repeat(mark, run.length)))
		} else {
			b.WriteString(strings.Repeat(" ", run.length))
		}
	}
	return strings.TrimRight(b.String(), " ")
}

// axis is the line below the lanes.
func (g grid) axis(action string, s style) string {
	from, to := seconds(g.t.From), "+"+seconds(g.t.To)
	line := strings.Repeat(" ", indent) + pad(from, margin-indent)
	left := strings.Repeat(" ", g.column(0))
	label := s.marks.zero + " " + action
	gap := g.columns - len(left) - utf8.RuneCountInString(label) - len(to)
	return s.paint(dim, line+left) + s.paint(bold, label) + s.paint(dim, strings.Repeat(" ", max(gap, 1))+to)
}

// grid maps instants to columns.
type grid struct {
	t       Timeline
	columns int
}

func (g grid) column(at api.Duration) int {
	whole := g.t.To - g.t.From
	if whole <= 0 {
		return 0
	}
	return min(max(int(int64(at-g.t.From)*int64(g.columns)/int64(whole)), 0), g.columns-1)
}

// run is a number of columns that look the same.
type run struct {
	length int
	on     bool
}

// runs says in which columns at least one probe was answered by node, or by
// nobody for "". A probe answered by somebody else does not hide it: a column
// can be on in several lanes.
func (g grid) runs(node string) []run {
	on := make([]bool, g.columns)
	for _, s := range g.t.Spans {
		if s.Node != node {
			continue
		}
		for c := g.column(s.From); c <= g.column(s.To); c++ {
			on[c] = true
		}
	}
	var runs []run
	for _, o := range on {
		if n := len(runs); n > 0 && runs[n-1].on == o {
			runs[n-1].length++
			continue
		}
		runs = append(runs, run{length: 1, on: o})
	}
	return runs
}

func seconds(d api.Duration) string {
	return fmt.Sprintf("%.1f s", time.Duration(d).Seconds())
}

// pad fills a text with spaces up to a width.
func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(width-utf8.RuneCountInString(text), 0))
}
