package vrrp_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
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

var standardFiles = []struct{ prefix, file string }{
	{"9568", "rfc9568.txt"},
	{"3768", "rfc3768.txt"},
	{"unh", "unh.txt"},
}

var (
	columns = regexp.MustCompile(`\s{2,}`)
	levels  = regexp.MustCompile(`^(MUST|MUST NOT|SHOULD|SHOULD NOT|MAY|rule|test)$`)
	places  = regexp.MustCompile(`^(core|node|people|absent)$`)
)

func readStandards(t *testing.T) []*standard {
	t.Helper()
	var all []*standard
	for _, f := range standardFiles {
		path := filepath.Join("testdata", "conformance", f.file)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		s := &standard{prefix: f.prefix}
		seen := map[string]bool{}
		for n, line := range strings.Split(string(b), "\n") {
			switch {
			case strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#"):
			case strings.HasPrefix(line, "title: "):
				s.title = strings.TrimPrefix(line, "title: ")
			case strings.HasPrefix(line, " ") && len(s.requirements) > 0:
				s.requirements[len(s.requirements)-1].note = strings.TrimSpace(line)
			default:
				c := columns.Split(line, 4)
				if len(c) != 4 || !levels.MatchString(c[1]) || !places.MatchString(c[2]) || seen[c[0]] {
					t.Fatalf("%s:%d: cannot read %q", path, n+1, line)
				}
				seen[c[0]] = true
				s.requirements = append(s.requirements, requirement{id: c[0], level: c[1], where: c[2], text: c[3]})
			}
		}
		all = append(all, s)
	}
	return all
}

// find looks a directive's id up.
func find(all []*standard, id string) (*standard, int) {
	for _, s := range all {
		for i, r := range s.requirements {
			if id == s.prefix+"-"+r.id {
				return s, i
			}
		}
	}
	return nil, 0
}
