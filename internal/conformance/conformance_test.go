package conformance

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A directive that is on no page would be a proof that nobody sees.
func TestEveryDirectiveIsOnAPage(t *testing.T) {
	proofs, err := scan(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	for _, proof := range proofs {
		if !slices.ContainsFunc(pages, func(p Page) bool { return p.owns(proof.id) }) {
			t.Errorf("%s: %s says that it proves %q, which is of no known standard", proof.file, proof.test, proof.id)
		}
	}
}

// A line that cannot be read is an error, not a requirement less.
func TestParse_BadLines(t *testing.T) {
	for _, text := range []string{
		"1-a  MUST  core",
		"1-a  WILL  core  something",
		"1-a  MUST  nowhere  something",
		"1-a  MUST  core  something\n1-a  MUST  core  something else",
	} {
		if s, err := parse("9", text); err == nil {
			t.Errorf("%q gives %v", text, s.requirements)
		}
	}
	s, err := parse("9", "title: T\n\n# comment\n1-a  MUST NOT  core  something\n    a note\n")
	if err != nil || s.title != "T" || len(s.requirements) != 1 || s.requirements[0].note != "a note" {
		t.Errorf("%v: %+v", err, s)
	}
}

// A directive that cannot be read is an error, not a requirement unproven.
func TestConformance_BadDirectives(t *testing.T) {
	for want, source := range map[string]string{
		"not above or in a test":        "package p\n\n//conformance:9568-7.1-version positive\nvar x int\n",
		"neither positive nor negative": "package p\n\n//conformance:9568-7.1-version maybe\nfunc TestX() {}\n",
		"twice":                         "package p\n\n//conformance:a positive\n//conformance:a positive\nfunc TestX() {}\n",
	} {
		_, err := directives("x_test.go", []byte(source))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
	source := "package p\n\n// Doc.\n//\n//conformance:a positive\nfunc TestX() {\n\t//conformance:b negative\n}\n"
	got, err := directives("x_test.go", []byte(source))
	want := []proof{{"a", "positive", "TestX", "x_test.go"}, {"b", "negative", "TestX", "x_test.go"}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(proof{})); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}
