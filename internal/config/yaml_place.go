package config

import (
	"slices"
	"strings"

	"github.com/goccy/go-yaml/token"
)

// maxDrift is how far a column of the library may be off.
const maxDrift = 200

// place is where a token is. The library's columns are sometimes those of a
// neighbour (trailing blanks, text over several lines), and a bad escape costs
// it a line, so the text itself has the last word. What is found elsewhere
// than the library says makes the report unsure of places.
func (y yamlReader) place(t *token.Token) span {
	if t == nil || t.Position == nil || t.Position.Line < 1 || t.Position.Line > len(y.report.lines) {
		return span{}
	}
	at := span{line: t.Position.Line, col: max(t.Position.Column, 1), len: 1}

	// The token as it stands in the line: the first line of it, as written.
	written, _, _ := strings.Cut(strings.TrimSpace(t.Origin), "\n")
	want := []rune(strings.TrimRight(written, " \t\r"))
	if len(want) == 0 {
		return at
	}
	quoted := t.Indicator == token.QuotedScalarIndicator
	if quoted {
		want = want[:1] // the library keeps the text without its escapes
	}
	at.len = len(want)
	if !y.has(at, want) {
		y.report.unsure = true
		at = y.search(at, want)
	}
	if quoted {
		at.len, _ = y.quotes(at)
	}
	return at
}

// search looks for text along its line, then in the same column of the lines
// around.
func (y yamlReader) search(at span, want []rune) span {
	for off := 1; off < maxDrift; off++ {
		for _, to := range [...]span{{at.line, at.col - off, at.len}, {at.line, at.col + off, at.len}} {
			if y.has(to, want) {
				return to
			}
		}
	}
	for off := 1; off <= 3; off++ {
		for _, to := range [...]span{{at.line + off, at.col, at.len}, {at.line - off, at.col, at.len}} {
			if y.has(to, want) {
				return to
			}
		}
	}
	return at
}

// has tells whether the text is at a place.
func (y yamlReader) has(at span, want []rune) bool {
	if at.line < 1 || at.line > len(y.report.lines) {
		return false
	}
	line, i := y.report.lines[at.line-1], at.col-1
	return i >= 0 && i+len(want) <= len(line) && slices.Equal(line[i:i+len(want)], want)
}

// quotes is the length of the quoted text at a place, and whether it ends on
// its line.
func (y yamlReader) quotes(at span) (length int, closed bool) {
	if at.line < 1 || at.col > len(y.report.lines[at.line-1]) {
		return 1, false
	}
	line := y.report.lines[at.line-1][at.col-1:]
	for i := 1; i < len(line); i++ {
		switch {
		case line[i] == '\\' && line[0] == '"':
			i++
		case line[i] != line[0]:
		case line[0] == '\'' && i+1 < len(line) && line[i+1] == '\'':
			i++
		default:
			return i + 1, true
		}
	}
	return len(line), false
}
