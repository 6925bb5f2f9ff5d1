package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// report collects the diagnostics of one file.
type report struct {
	file     string
	lines    [][]rune // what Render shows; secrets in it are blacked out
	severity map[rule]Severity
	unsure   bool // places may be wrong
	found    Diagnostics
	dropped  Diagnostics // beyond maxFound: one of each severity
	more     int         // how many those were
}

// maxFound bounds what one file can make us say.
const maxFound = 1000

func newReport(file, src string) *report {
	r := &report{file: file, severity: map[rule]Severity{}}
	for _, rule := range Rules() {
		r.severity[rule.ID] = rule.Severity
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(src, "\n"), "\n") {
		r.lines = append(r.lines, []rune(line))
	}
	return r
}

// add records one problem. The message is a format; values from the file go
// in with %q, so that they cannot disturb a terminal.
func (r *report) add(id rule, at span, hint, format string, args ...any) {
	d := Diagnostic{
		Severity: r.severity[id],
		Rule:     id,
		File:     r.file,
		Line:     at.line,
		Column:   at.col,
		Length:   at.len,
		Message:  fmt.Sprintf(format, args...),
		Hint:     hint,
	}
	if len(r.found) < maxFound {
		r.found = append(r.found, d)
		return
	}
	r.more++
	if !r.dropped.HasErrors() {
		r.dropped = append(r.dropped[:0], d)
	}
}

// failed tells whether an error was found.
func (r *report) failed() bool { return r.found.HasErrors() || r.dropped.HasErrors() }

// full tells whether more will not be shown anyway.
func (r *report) full() bool { return len(r.found) >= maxFound }

// done gives what was found in the order of the places, each with the lines
// that Render shows.
func (r *report) done() Diagnostics {
	slices.SortStableFunc(r.found, func(a, b Diagnostic) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Rule, b.Rule))
	})
	for i := range r.found {
		d := &r.found[i]
		for n := max(d.Line-contextLines, 1); n <= d.Line && n <= len(r.lines); n++ {
			d.excerpt = append(d.excerpt, r.lines[n-1])
		}
	}
	if r.more > 0 {
		r.found = append(r.found, Diagnostic{
			Severity: r.dropped[0].Severity, Rule: ruleTooBig, File: r.file,
			Message: fmt.Sprintf("there are %d more problems, which are not listed", r.more),
		})
	}
	return r.found
}

// hide blacks out a scalar of the source. One over several lines (a block, or
// folded text) takes the rest of its first line and all lines up to the next
// one that is indented no deeper than the line it began on.
func (r *report) hide(n *node) {
	if n.kind != scalarNode || n.line < 1 || n.line > len(r.lines) {
		return
	}
	line := r.lines[n.line-1]
	end := min(n.col-1+n.len, len(line))
	if n.more {
		end = len(line)
		for i := n.line; i < len(r.lines) && (len(trimIndent(r.lines[i])) == 0 || indent(r.lines[i]) > indent(line)); i++ {
			black(r.lines[i])
		}
	}
	black(line[min(n.col-1, end):end])
}

func black(line []rune) {
	for i := indent(line); i < len(line); i++ {
		line[i] = '*'
	}
}

func indent(line []rune) int { return len(line) - len(trimIndent(line)) }

func trimIndent(line []rune) []rune {
	for len(line) > 0 && (line[0] == ' ' || line[0] == '\t') {
		line = line[1:]
	}
	return line
}
