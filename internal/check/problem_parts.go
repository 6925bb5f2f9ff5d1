package check

import (
	"fmt"
	"slices"
	"strings"
)

// say adds a problem where a condition has been looked at already.
func (p *problems) say(field, hint, format string, args ...any) {
	*p = append(*p, Problem{Field: field, Text: fmt.Sprintf(format, args...), Hint: hint})
}

// below adds the problems of a part, whose fields are below field: "tls.name",
// "steps.2.expect". A problem of the part as a whole is one of field.
func (p *problems) below(field string, part []Problem) {
	for _, x := range part {
		switch {
		case x.Field == "":
			x.Field = field
		case field != "":
			x.Field = field + "." + x.Field
		}
		*p = append(*p, x)
	}
}

// oneOf adds that a value is none of a list.
func (p *problems) oneOf(field, value string, list []string) {
	p.add(!slices.Contains(list, value), field, "one of "+strings.Join(list, ", "), "there is no %s %q", field, value)
}
