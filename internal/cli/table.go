package cli

import (
	"io"
	"strings"
	"unicode/utf8"
)

// tone is what a piece of text is: it decides the colour.
type tone uint8

const (
	plain tone = iota
	good
	bad
	notice
	faint
	strong
)

// paint wraps text in the colour of its tone, where there are colours.
func (t Terminal) paint(tone tone, s string) string {
	code := [...]string{good: "32", bad: "31", notice: "33", faint: "2", strong: "1"}[tone]
	if !t.Color || code == "" || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// cell is one field of a table.
type cell struct {
	text string
	tone tone
}

// table is text in columns, two spaces apart; the first row is the heading.
type table struct {
	term  Terminal
	rows  [][]cell
	whole bool // what does not fit is not cut
}

func newTable(t Terminal, heading ...string) *table {
	row := make([]cell, len(heading))
	for i, h := range heading {
		row[i] = cell{h, faint}
	}
	return &table{term: t, rows: [][]cell{row}}
}

func (tb *table) add(cells ...cell) { tb.rows = append(tb.rows, cells) }

// write prints the table. On a terminal the last column is cut where the line
// ends, so that one row stays one line.
func (tb *table) write(w io.Writer) error {
	widths := tb.widths()
	limit := tb.term.width()
	var b strings.Builder
	for _, row := range tb.rows {
		used := 0
		for i, c := range row {
			s := oneLine(c.text)
			last := i == len(row)-1
			if last && limit > 0 && !tb.whole {
				s = cut(s, limit-used)
			}
			b.WriteString(tb.term.paint(c.tone, s))
			if !last {
				pad := widths[i] - utf8.RuneCountInString(s) + 2
				b.WriteString(strings.Repeat(" ", pad))
				used += widths[i] + 2
			}
		}
		b.WriteByte('\n')
	}
	_, err := io.WriteString(w, trimRight(b.String()))
	return written(err)
}

func (tb *table) widths() []int {
	var widths []int
	for _, row := range tb.rows {
		for i, c := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(oneLine(c.text)))
		}
	}
	return widths
}

// oneLine makes text fit for a row.
func oneLine(s string) string { return harmless(strings.NewReplacer("\n", " ", "\t", " ").Replace(s)) }

// cut shortens text to n columns.
func cut(s string, n int) string {
	if n < 1 || utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}

// trimRight takes the blanks off the ends of lines.
func trimRight(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}
