package config

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// Load reads and checks the file at path. The Config is nil if the
// diagnostics have an error.
func Load(path string, f Facts) (*Config, Diagnostics) {
	src, err := readFile(path)
	if err != nil {
		r := newReport(path, "")
		r.add(ruleUnreadable, span{}, "another file is named with -c FILE", "cannot read the configuration: %s", cause(err))
		return nil, r.done()
	}
	if f.Dir == "" {
		if abs, err := filepath.Abs(path); err == nil {
			f.Dir = filepath.Dir(abs)
		}
	}
	return Parse(path, src, f)
}

// readFile reads a little more than is allowed at most, so that Parse can say
// that it is too much.
func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, maxBytes+1))
}

// Parse checks src, the text of the file called name. The Config is nil if
// the diagnostics have an error.
func Parse(name string, src []byte, f Facts) (*Config, Diagnostics) {
	if f.Dir == "" && filepath.IsAbs(name) {
		f.Dir = filepath.Dir(name)
	}
	text, r := normalise(name, src)
	if r.failed() {
		return nil, r.done()
	}
	root := parseYAML(text, r)
	r.hideSecrets(root)
	if root == nil && !r.failed() {
		r.add(ruleEmpty, span{}, "the smallest useful file is: groups: {web: {addresses: [192.0.2.10/24], vrrp: {id: 51}}}", "the file is empty")
	}
	if r.failed() {
		return nil, r.done()
	}
	rd := &reader{report: r, facts: f, index: newKeyIndex(), used: map[string]bool{}}
	raw := rd.config(root)
	c := &checker{report: r, raw: raw, facts: f}
	c.all()
	if r.failed() {
		return nil, r.done()
	}
	out := build(raw, f)
	out.Path, out.Source = name, src
	return out, r.done()
}

// normalise makes text with plain line ends of src, and refuses what is not
// text.
func normalise(name string, src []byte) (string, *report) {
	if len(src) > maxBytes {
		r := newReport(name, "")
		r.add(ruleTooBig, span{}, "", "the file is larger than %d MiB", maxBytes>>20)
		return "", r
	}
	text := strings.TrimPrefix(string(src), "\ufeff")
	text = strings.ReplaceAll(text, "\r\n", "\n")
	if isJSON(text) {
		// YAML does not indent with tabs, JSON may. In JSON a tab is never
		// part of a value, so a blank takes its place without a trace.
		text = strings.ReplaceAll(text, "\t", " ")
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.TrimSpace(line) == "" {
			lines[i] = "" // the library stumbles over tabs on empty lines
		}
	}
	text = strings.Join(lines, "\n")
	r := newReport(name, text)
	for i, line := range lines {
		if !checkLine(r, i+1, line) {
			break // it is not text; one complaint is enough
		}
	}
	return text, r
}

// checkLine looks for characters that do not belong into a text file, and
// for tabs that indent.
func checkLine(r *report, number int, line string) bool {
	col, inIndent := 1, true
	for i, c := range line {
		at := span{number, col, 1}
		switch {
		case c == utf8.RuneError && !strings.HasPrefix(line[i:], "\ufffd"):
			r.add(ruleCharacters, at, "save the file as UTF-8", "this is not UTF-8")
			return false
		case c == '\t' && inIndent:
			r.add(ruleTab, at, "indent with blanks, two for each level", "YAML does not indent with tabs")
			return true
		case c < 0x20 && c != '\t', c == 0x7f, c >= 0x80 && c < 0xa0:
			r.add(ruleCharacters, at, "", "there is a control character (%U) here", c)
			return false
		}
		inIndent = inIndent && (c == ' ' || c == '\t')
		col++
	}
	return true
}
