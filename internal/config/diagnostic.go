package config

import (
	"encoding/json"
	"fmt"
)

// Severity is how bad a diagnostic is.
type Severity uint8

const (
	Error   Severity = iota // the file cannot be used
	Warning                 // the file can be used, but probably does not do what was meant
)

// String is "error" or "warning".
func (s Severity) String() string {
	if s == Error {
		return "error"
	}
	return "warning"
}

// MarshalText is String.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Diagnostic is one problem at one place of the file.
type Diagnostic struct {
	Severity Severity `json:"severity"`
	Rule     string   `json:"rule"` // stable id, HF1xxx; see Rules
	File     string   `json:"file"`
	Line     int      `json:"line"`           // 1-based; 0: the file as a whole
	Column   int      `json:"column"`         // 1-based, in characters
	Length   int      `json:"length"`         // characters that the caret underlines
	Message  string   `json:"message"`        // lower case, no full stop
	Hint     string   `json:"hint,omitempty"` // what to do

	excerpt [][]rune // the lines up to Line that Render shows
}

// Error is the diagnostic on one line, without source and hint.
func (d Diagnostic) Error() string {
	place := printable(d.File)
	if d.Line > 0 {
		place = fmt.Sprintf("%s:%d:%d", place, d.Line, d.Column)
	}
	return fmt.Sprintf("%s: %s %s: %s", place, d.Severity, d.Rule, d.Message)
}

// Diagnostics are all problems of a file, in the order of their places.
type Diagnostics []Diagnostic

// HasErrors tells whether the file cannot be used.
func (ds Diagnostics) HasErrors() bool {
	for _, d := range ds {
		if d.Severity == Error {
			return true
		}
	}
	return false
}

// Count gives the number of errors and of warnings.
func (ds Diagnostics) Count() (errors, warnings int) {
	for _, d := range ds {
		if d.Severity == Error {
			errors++
		} else {
			warnings++
		}
	}
	return errors, warnings
}

// MarshalJSON makes a list, also of none.
func (ds Diagnostics) MarshalJSON() ([]byte, error) {
	if ds == nil {
		return []byte("[]"), nil
	}
	return json.Marshal([]Diagnostic(ds))
}
