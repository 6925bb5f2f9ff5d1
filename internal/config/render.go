package config

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
)

const (
	contextLines = 1   // shown above the line in question
	maxShown     = 120 // characters of a line; longer ones are cut around the place
)

// Color says whether Render may use terminal colours.
type Color uint8

const (
	Plain  Color = iota
	Colors       // ANSI escape sequences
)

// Render prints the diagnostics for people:
//
//	holdfast.yaml:7:15: error HF1107: priority 300 is outside 1 to 255
//	   6 |     id: 51
//	>  7 |     priority: 300
//	     |               ^^^
//	hint: the node with the higher number wins
//
// with an empty line between two. Text from the file is made safe for
// terminals, and secrets in it are blacked out.
func (ds Diagnostics) Render(w io.Writer, color Color) error {
	var b bytes.Buffer
	p := paint{color}
	for i, d := range ds {
		if i > 0 {
			b.WriteByte('\n')
		}
		d.render(&b, p)
	}
	_, err := w.Write(b.Bytes())
	return err
}

func (d Diagnostic) render(b *bytes.Buffer, p paint) {
	tone := p.red
	if d.Severity == Warning {
		tone = p.yellow
	}
	place := printable(d.File)
	if d.Line > 0 {
		place += fmt.Sprintf(":%d:%d", d.Line, d.Column)
	}
	fmt.Fprintf(b, "%s: %s: %s\n", p.bold(place), tone(d.Severity.String()+" "+d.Rule), d.Message)
	if len(d.excerpt) > 0 {
		width := max(3, len(strconv.Itoa(d.Line)))
		from := cutFrom(d)
		for i, line := range d.excerpt {
			number, mark := d.Line-len(d.excerpt)+1+i, " "
			if number < d.Line && from > 0 {
				continue // a piece out of its middle would say nothing
			}
			if number == d.Line {
				mark = tone(">")
			}
			writeLine(b, fmt.Sprintf("%s%*d |", mark, width, number), cutLine(line, from))
		}
		pad := max(d.Column-1-from, 0)
		if from > 0 {
			pad++ // the ellipsis
		}
		carets := min(max(d.Length, 1), max(maxShown-pad, 1))
		fmt.Fprintf(b, " %*s | %s%s\n", width, "", strings.Repeat(" ", pad), tone(strings.Repeat("^", carets)))
	}
	if d.Hint != "" {
		fmt.Fprintf(b, "%s %s\n", p.bold("hint:"), d.Hint)
	}
}

// writeLine avoids a trailing blank after the bar of an empty line.
func writeLine(b *bytes.Buffer, gutter, text string) {
	b.WriteString(gutter)
	if text != "" {
		b.WriteString(" " + text)
	}
	b.WriteByte('\n')
}

// cutFrom is how many characters on the left are left out to bring the place
// into view.
func cutFrom(d Diagnostic) int {
	if end := d.Column - 1 + min(d.Length, maxShown/2); end > maxShown {
		return d.Column - 1 - maxShown/2 + min(d.Length, maxShown/2)/2
	}
	return 0
}

func cutLine(line []rune, from int) string {
	if from >= len(line) && from > 0 {
		return ""
	}
	line = line[from:]
	head, tail := "", ""
	if from > 0 {
		head = "…"
	}
	if len(line) > maxShown {
		line, tail = line[:maxShown], "…"
	}
	return strings.TrimRight(head+printable(string(line))+tail, " ")
}

// paint wraps text in ANSI sequences, or does not.
type paint struct{ color Color }

func (p paint) red(s string) string    { return p.in("1;31", s) }
func (p paint) yellow(s string) string { return p.in("1;33", s) }
func (p paint) bold(s string) string   { return p.in("1", s) }

func (p paint) in(code, s string) string {
	if p.color == Plain {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}
