package conformance

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Root is where the module begins, seen from a package at its top.
const Root = ".."

// Check compares the page with the tests and the requirements, or writes it.
// What the package decides it must also prove: no requirement marked "core"
// may be without a test.
func Check(t *testing.T, p Page, update *bool) {
	t.Helper()
	standards, err := p.standards(Root)
	if err != nil {
		t.Fatal(err)
	}
	proofs, err := scan(Root)
	if err != nil {
		t.Fatal(err)
	}
	for _, proof := range proofs {
		if !p.owns(proof.id) {
			continue
		}
		r := find(standards, proof.id)
		switch {
		case r == nil:
			t.Errorf("%s: %s says that it proves %q, which is in no file of %s/testdata/conformance", proof.file, proof.test, proof.id, p.Package)
			continue
		case r.where == "absent" || r.where == "people":
			t.Errorf("%s: %s proves %s, which is marked %q", proof.file, proof.test, proof.id, r.where)
		}
		r.proofs = append(r.proofs, proof)
	}
	for _, s := range standards {
		for _, r := range s.requirements {
			if r.where == "core" && len(r.proofs) == 0 {
				t.Errorf("no test proves %s-%s: %s", s.prefix, r.id, r.text)
			}
		}
	}
	got := p.render(standards)
	path := filepath.Join(Root, p.File)
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
		t.Errorf("%s is stale, run: %s\n(-page +tests):\n%s", p.File, p.command(), diff)
	}
}

// owns says whether an id is of one of the page's standards.
func (p Page) owns(id string) bool {
	for _, s := range p.Standards {
		if strings.HasPrefix(id, s.Prefix+"-") {
			return true
		}
	}
	return false
}

// command makes the page.
func (p Page) command() string { return "go test ./" + p.Package + " -run TestConformance -update" }
