package conformance

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// standard is one file of requirements.
type standard struct {
	prefix       string // of its ids in directives
	title        string
	requirements []requirement
}

// requirement is one line of it.
type requirement struct {
	id, level, where, text, note string
	proofs                       []proof
}

var (
	columns = regexp.MustCompile(`\s{2,}`)
	levels  = regexp.MustCompile(`^(MUST|MUST NOT|SHOULD|SHOULD NOT|MAY|rule|test)$`)
	places  = regexp.MustCompile(`^(core|node|people|absent)$`)
)

// standards reads the requirements of a page.
func (p Page) standards(root string) ([]*standard, error) {
	var all []*standard
	for _, source := range p.Standards {
		path := filepath.Join(root, p.Package, "testdata", "conformance", source.File)
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		s, err := parse(source.Prefix, string(b))
		if err != nil {
			return nil, fmt.Errorf("%s:%w", path, err)
		}
		all = append(all, s)
	}
	return all, nil
}

// parse reads one file of requirements.
func parse(prefix, text string) (*standard, error) {
	s := &standard{prefix: prefix}
	seen := map[string]bool{}
	for n, line := range strings.Split(text, "\n") {
		switch {
		case strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "title: "):
			s.title = strings.TrimPrefix(line, "title: ")
		case strings.HasPrefix(line, " ") && len(s.requirements) > 0:
			s.requirements[len(s.requirements)-1].note = strings.TrimSpace(line)
		default:
			c := columns.Split(line, 4)
			if len(c) != 4 || !levels.MatchString(c[1]) || !places.MatchString(c[2]) || seen[c[0]] {
				return nil, fmt.Errorf("%d: cannot read %q", n+1, line)
			}
			seen[c[0]] = true
			s.requirements = append(s.requirements, requirement{id: c[0], level: c[1], where: c[2], text: c[3]})
		}
	}
	return s, nil
}

// find looks a directive's id up.
func find(all []*standard, id string) *requirement {
	for _, s := range all {
		for i, r := range s.requirements {
			if id == s.prefix+"-"+r.id {
				return &s.requirements[i]
			}
		}
	}
	return nil
}
