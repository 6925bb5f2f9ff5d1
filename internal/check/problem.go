package check

import "fmt"

// Problem is what is wrong with one setting of a check. The reader of the file
// knows where the setting was written and shows the problem there.
type Problem struct {
	Field string // the key as it is written in the file: "max_age"
	Text  string // what is wrong, as the end of a sentence: "max_age -1s is negative"
	Hint  string // what to write instead; may be empty
}

// problems collects what is wrong.
type problems []Problem

func (p *problems) add(wrong bool, field, hint, format string, args ...any) {
	if wrong {
		*p = append(*p, Problem{Field: field, Text: fmt.Sprintf(format, args...), Hint: hint})
	}
}
