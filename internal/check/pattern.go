package check

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
)

// Pattern is what an answer must, or must not, have in it. The zero value asks
// nothing.
//
//	expect: ready                    # contains
//	expect: {regexp: "^220 .*ESMTP"}
//	expect: {hex: "?? ?? ?? 00 0a"}
//
// A pattern stays as it was written, so that two of them can be compared with
// ==; [Pattern.Compile] makes what matches.
type Pattern struct {
	Form PatternForm
	Text string
}

// PatternForm is how a pattern's text is read.
type PatternForm uint8

const (
	NoPattern PatternForm = iota
	Contains              // the text itself, anywhere
	Regexp                // a regular expression (RE2), anywhere
	Hex                   // bytes from the start on; "?" is any half of a byte: "?? ?? ?? 00 0a"
)

// String is the word of the file.
func (f PatternForm) String() string { return [...]string{"", "contains", "regexp", "hex"}[f] }

// String is for people.
func (p Pattern) String() string {
	switch p.Form {
	case NoPattern:
		return "anything"
	case Regexp:
		return "/" + p.Text + "/"
	case Hex:
		return "hex " + p.Text
	}
	return fmt.Sprintf("%q", p.Text)
}

// maxPattern bounds what is compiled.
const maxPattern = 4096

// Problems says what is wrong.
func (p Pattern) Problems() []Problem {
	if _, err := p.Compile(); err != nil {
		return []Problem{{Text: err.Error()}}
	}
	return nil
}

// Match is how far an answer matches.
type Match uint8

const (
	NeverFound Match = iota // whatever may still come
	NotYet                  // not yet: more may come
	Found
)

// Matcher is a compiled pattern. Its zero value finds everything at once.
type Matcher struct {
	text   []byte
	re     *regexp.Regexp
	nibble []byte // two for each byte; 0xff: any
}

// Compile makes the matcher.
func (p Pattern) Compile() (Matcher, error) {
	if len(p.Text) > maxPattern {
		return Matcher{}, fmt.Errorf("it has %d characters; there is room for %d", len(p.Text), maxPattern)
	}
	if p.Form != NoPattern && p.Text == "" {
		return Matcher{}, fmt.Errorf("%s is empty, which everything matches", p.Form)
	}
	switch p.Form {
	case NoPattern:
		return Matcher{}, nil
	case Contains:
		return Matcher{text: []byte(p.Text)}, nil
	case Regexp:
		re, err := regexp.Compile(p.Text)
		if err != nil {
			return Matcher{}, fmt.Errorf("cannot read the regular expression: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
		}
		return Matcher{re: re}, nil
	case Hex:
		nibble, err := parseHex(p.Text)
		return Matcher{nibble: nibble}, err
	}
	return Matcher{}, fmt.Errorf("there is no form %d of a pattern", p.Form)
}

// anyNibble stands for "?".
const anyNibble = 0xff

func parseHex(s string) ([]byte, error) {
	var nibble []byte
	for _, c := range []byte(s) {
		switch {
		case c >= '0' && c <= '9':
			nibble = append(nibble, c-'0')
		case c >= 'a' && c <= 'f':
			nibble = append(nibble, c-'a'+10)
		case c >= 'A' && c <= 'F':
			nibble = append(nibble, c-'A'+10)
		case c == '?':
			nibble = append(nibble, anyNibble)
		case c == ' ' && len(nibble)%2 == 0: // between bytes, not inside one
		default:
			return nil, fmt.Errorf("%q is neither a hex digit nor ?; blanks may be between bytes", c)
		}
	}
	if len(nibble) == 0 {
		return nil, fmt.Errorf("there is no byte in %q", s)
	}
	if len(nibble)%2 != 0 {
		return nil, fmt.Errorf("a byte has two hex digits; there are %d", len(nibble))
	}
	return nibble, nil
}

// Match looks at what has been read so far. The end of an answer turns NotYet
// into NeverFound; that is the caller's to know.
func (m *Matcher) Match(data []byte) Match {
	switch {
	case m.text != nil:
		if bytes.Contains(data, m.text) {
			return Found
		}
		return NotYet
	case m.re != nil:
		if m.re.Match(data) {
			return Found
		}
		return NotYet
	}
	return matchHex(m.nibble, data)
}

func matchHex(nibble, data []byte) Match {
	for i := 0; i < len(nibble); i += 2 {
		if i/2 >= len(data) {
			return NotYet
		}
		b := data[i/2]
		if high := nibble[i]; high != anyNibble && high != b>>4 {
			return NeverFound
		}
		if low := nibble[i+1]; low != anyNibble && low != b&0xf {
			return NeverFound
		}
	}
	return Found
}

// ParseBytes reads what is sent where that is not text: hex digits, with
// blanks between bytes.
func ParseBytes(s string) ([]byte, error) {
	nibble, err := parseHex(s)
	if err != nil {
		return nil, err
	}
	out := make([]byte, len(nibble)/2)
	for i := range out {
		high, low := nibble[2*i], nibble[2*i+1]
		if high == anyNibble || low == anyNibble {
			return nil, fmt.Errorf("? cannot be sent: write a hex digit")
		}
		out[i] = high<<4 | low
	}
	return out, nil
}
