package conformance

import (
	"fmt"
	"slices"
	"strings"
)

// preface takes the package and the command that makes the page.
const preface = `# Conformance

Generated from the tests by ` + "`%[2]s`" + `; do not edit. The requirements are
in [%[1]s/testdata/conformance](../%[1]s/testdata/conformance), in our own words and by section of the standard. A test says in
its doc comment which of them it proves, and this page lists just those tests. A test that
goes, or a page that is stale, fails the build.

- **shows it**: tests that show the demanded behaviour.
- **refuses the opposite**: tests that show that the opposite is refused, or that the condition matters.
- **where**: *core* is decided by package %[1]s and needs nothing but Go to prove. *node* is the program around
  it (sockets, kernel, announcing) and is proven in network namespaces. *people* is about how people set their network up.
  *absent* is not offered; the note says why.
- A level of *rule* is text of the standard without a key word, such as a row of the state machine.
`

// render writes the page.
func (p Page) render(standards []*standard) string {
	var b strings.Builder
	fmt.Fprintf(&b, preface, p.Package, p.command())
	b.WriteString("\n## Summary\n\n| standard | level | requirements | shown both ways | shown one way | not shown | for people | not offered |\n|---|---|--:|--:|--:|--:|--:|--:|\n")
	for _, s := range standards {
		for _, level := range []string{"MUST", "rule", "SHOULD", "MAY", "test"} {
			summary(&b, s, level)
		}
	}
	b.WriteString("\n## Not shown\n\nMet or not, no test of ours says so yet:\n\n")
	for _, s := range standards {
		for _, r := range s.requirements {
			if r.bucket() == unshown {
				fmt.Fprintf(&b, "- `%s-%s` (%s, %s): %s\n", s.prefix, r.id, r.level, r.where, r.text)
			}
		}
	}
	for _, s := range standards {
		fmt.Fprintf(&b, "\n## %s\n\n| id | level | where | requirement | shows it | refuses the opposite |\n|---|---|---|---|---|---|\n", s.title)
		for _, r := range s.requirements {
			text := r.text
			if r.note != "" {
				text += " *" + r.note + "*"
			}
			fmt.Fprintf(&b, "| `%s-%s` | %s | %s | %s | %s | %s |\n",
				s.prefix, r.id, r.level, r.where, text, r.tests("positive"), r.tests("negative"))
		}
	}
	return b.String()
}

const (
	bothWays = iota
	oneWay
	unshown
	forPeople
	notOffered
	buckets
)

func summary(b *strings.Builder, s *standard, level string) {
	var total int
	var in [buckets]int
	for _, r := range s.requirements {
		if strings.TrimSuffix(r.level, " NOT") == level {
			total++
			in[r.bucket()]++
		}
	}
	if total == 0 {
		return
	}
	title, _, _ := strings.Cut(s.title, ",")
	name := level
	if level == "MUST" || level == "SHOULD" {
		name += ", " + level + " NOT"
	}
	fmt.Fprintf(b, "| %s | %s | %d | %d | %d | %d | %d | %d |\n",
		title, name, total, in[bothWays], in[oneWay], in[unshown], in[forPeople], in[notOffered])
}

func (r *requirement) bucket() int {
	has := func(polarity string) bool {
		return slices.ContainsFunc(r.proofs, func(p proof) bool { return p.polarity == polarity })
	}
	switch {
	case r.where == "absent":
		return notOffered
	case r.where == "people":
		return forPeople
	case has("positive") && has("negative"):
		return bothWays
	case len(r.proofs) > 0:
		return oneWay
	}
	return unshown
}

// tests lists the tests of one polarity as links.
func (r *requirement) tests(polarity string) string {
	var links []string
	for _, p := range r.proofs {
		if p.polarity == polarity {
			links = append(links, fmt.Sprintf("[%s](../%s)", p.test, p.file))
		}
	}
	if len(links) == 0 {
		return "–"
	}
	return strings.Join(links, "<br>")
}
