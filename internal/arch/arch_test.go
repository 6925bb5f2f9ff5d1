package arch

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// goPackage is what we read of `go list -json`.
type goPackage struct {
	ImportPath                string
	Dir                       string
	Standard                  bool
	Module                    *struct{ Path string }
	Imports, Deps             []string
	GoFiles, IgnoredGoFiles   []string
	TestGoFiles, XTestGoFiles []string
}

// ours says whether the package belongs to this tree, and its path in it.
func ours(importPath string) (rel string, ok bool) {
	if importPath == module {
		return ".", true
	}
	return strings.CutPrefix(importPath, module+"/")
}

// listed runs `go list -deps -json ./...` in the root of the tree.
func listed(t *testing.T) map[string]goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-deps", "-json=ImportPath,Dir,Standard,Module,Imports,Deps,GoFiles,IgnoredGoFiles,TestGoFiles,XTestGoFiles", "./...")
	cmd.Dir = filepath.Join("..", "..")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("cannot list packages: %v", err)
	}
	packages := map[string]goPackage{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatalf("cannot read the list of packages: %v", err)
		}
		packages[p.ImportPath] = p
	}
}

// in says whether a package of this tree belongs to a layer or lies below a
// path.
func in(rel, layer string) bool {
	paths, ok := layers[layer]
	if !ok {
		paths = []string{layer}
	}
	return below(rel, paths)
}

func below(rel string, paths []string) bool {
	for _, p := range paths {
		if alone, ok := strings.CutSuffix(p, "/."); ok && rel == alone {
			return true
		}
		if p == "" || rel == p || strings.HasPrefix(rel, p+"/") {
			return true
		}
	}
	return false
}

// broken returns the rule that forbids from to import to, if one does.
func broken(from, to string) (edge, bool) {
	for _, e := range edges {
		if in(from, e.from) && in(to, e.to) && !below(from, e.except) && !(in(from, e.to) && e.from == "any") {
			return e, true
		}
	}
	return edge{}, false
}

func TestDependenciesPointOneWay(t *testing.T) {
	for importPath, p := range listed(t) {
		from, ok := ours(importPath)
		if !ok {
			continue
		}
		for _, imported := range p.Imports {
			to, ok := ours(imported)
			if !ok {
				continue
			}
			if e, bad := broken(from, to); bad {
				t.Errorf("%s imports %s\n\t%s", from, to, e.why)
			}
		}
	}
}

// Pure packages are pure all the way down: Deps is transitive.
func TestPurePackagesSeeNoMachine(t *testing.T) {
	packages := listed(t)
	for importPath, p := range packages {
		from, ok := ours(importPath)
		if !ok || !in(from, "pure") {
			continue
		}
		for _, imported := range p.Imports {
			if why, bad := impureStd[imported]; bad && contracts[from] != imported {
				t.Errorf("%s imports %s\n\t%s", from, imported, why)
			}
		}
		for _, dep := range p.Deps {
			to, inTree := ours(dep)
			switch {
			case packages[dep].Standard:
			case !inTree:
				t.Errorf("%s depends on %s\n\ta pure package needs the standard library alone, so that other programs can take it without its luggage", from, dep)
			case !in(to, "pure"):
				t.Errorf("%s depends on %s\n\ta pure package depends on pure packages", from, to)
			}
		}
	}
}

func TestPublicPackagesStandAlone(t *testing.T) {
	for importPath, p := range listed(t) {
		from, ok := ours(importPath)
		if !ok || below(from, []string{"internal", "cmd", "bench", "interop", "scripts"}) {
			continue
		}
		for _, imported := range p.Imports {
			if to, ok := ours(imported); ok && below(to, []string{"internal"}) {
				t.Errorf("%s imports %s\n\tother programs use it: it shows nothing that they cannot name", from, to)
			}
		}
	}
}

func TestFoldersSayWhatIsInThem(t *testing.T) {
	for importPath := range listed(t) {
		rel, ok := ours(importPath)
		if !ok {
			continue
		}
		for _, part := range strings.Split(rel, "/") {
			if vagueNames[part] {
				t.Errorf("%s: a folder named %q says nothing: name it by its idea", rel, part)
			}
		}
	}
}

func TestBroken(t *testing.T) {
	tests := []struct {
		from, to string
		want     bool
	}{
		{"vrrp", "internal/engine", true},
		{"internal/group", "vrrp", false},
		{"internal/engine", "internal/api/server", true},
		{"internal/api", "internal/engine", false},
		{"internal/engine", "internal/linux", true},
		{"internal/linux", "internal/engine", false},
		{"internal/linux/wire", "internal/linux", false},
		{"cmd/holdfast", "internal/linux", false},
		{"internal/lab", "internal/linux", false},
		{"internal/cli", "internal/linux", true},
		{"internal/config", "internal/engine", true},
		{"internal/cli", "cmd/holdfast", true},
		{"internal/engine", "internal/lab", true},
		{"internal/demo", "internal/lab", false},
		{"internal/groups", "internal/engine", false}, // a longer name is another package
	}
	for _, tt := range tests {
		t.Run(path.Join(tt.from, "to", tt.to), func(t *testing.T) {
			if e, got := broken(tt.from, tt.to); got != tt.want {
				t.Errorf("broken = %t (%s), want %t", got, e.why, tt.want)
			}
		})
	}
}
