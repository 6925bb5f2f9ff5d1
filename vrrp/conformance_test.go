package vrrp_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The requirements of the standards are in testdata/conformance. A test of any
// package says which of them it proves by directives in its doc comment, such
// as
//
//	//conformance:9568-7.1-version negative
//
// for a test that shows what becomes of a packet with another version.
// "positive" is for a test that shows the demanded behaviour, "negative" for
// one that shows that its opposite is refused or that the condition matters.
// From both, docs/conformance.md is made:
//
//	go test ./vrrp -run TestConformance -update

var update = flag.Bool("update", false, "write docs/conformance.md")

const root = ".." // of the module

func TestConformance(t *testing.T) {
	standards := readStandards(t)
	for _, p := range scan(t, root) {
		s, id := find(standards, p.id)
		if s == nil {
			t.Errorf("%s: %s says that it proves %q, which is in no file of testdata/conformance", p.file, p.test, p.id)
			continue
		}
		if s.requirements[id].where == "absent" || s.requirements[id].where == "people" {
			t.Errorf("%s: %s proves %s, which is marked %q", p.file, p.test, p.id, s.requirements[id].where)
		}
		s.requirements[id].proofs = append(s.requirements[id].proofs, p)
	}
	got := page(standards)
	path := filepath.Join(root, "docs", "conformance.md")
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("docs/conformance.md is stale, run: go test ./vrrp -run TestConformance -update\n(-page +tests):\n%s", diff)
	}
}

// What this package decides it must also prove: no requirement marked "core"
// may be without a test.
func TestConformance_CoreIsProven(t *testing.T) {
	standards := readStandards(t)
	proven := map[string]bool{}
	for _, p := range scan(t, root) {
		proven[p.id] = true
	}
	for _, s := range standards {
		for _, r := range s.requirements {
			if id := s.prefix + "-" + r.id; r.where == "core" && !proven[id] {
				t.Errorf("no test proves %s: %s", id, r.text)
			}
		}
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
