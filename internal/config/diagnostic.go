package config

// Severity is how bad a diagnostic is.
type Severity uint8

const (
	Error   Severity = iota // the file cannot be used
	Warning                 // the file can be used, but probably does not do what was meant
)

// Diagnostic is one problem at one place of the file.
type Diagnostic struct {
	Severity Severity
	Rule     string // stable id, HF1xxx
	File     string
	Line     int // 1-based; 0: the file as a whole
	Column   int // 1-based, in characters
	Length   int // characters that the caret underlines, at least 1
	Message  string
	Hint     string   // what to do; may be empty
	lines    []string // the source, for Render
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
