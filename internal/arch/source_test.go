package arch

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// sources calls fn with every Go file of this tree, tests included.
func sources(t *testing.T, fn func(rel, file string, content []byte)) {
	t.Helper()
	for importPath, p := range listed(t) {
		rel, ok := ours(importPath)
		if !ok {
			continue
		}
		for _, names := range [][]string{p.GoFiles, p.IgnoredGoFiles, p.TestGoFiles, p.XTestGoFiles} {
			for _, name := range names {
				content, err := os.ReadFile(filepath.Join(p.Dir, name))
				if err != nil {
					t.Fatalf("cannot read %s: %v", name, err)
				}
				fn(rel, name, content)
			}
		}
	}
}

func generated(content []byte) bool {
	return bytes.Contains(content, []byte("\n// Code generated ")) || bytes.HasPrefix(content, []byte("// Code generated "))
}

func TestFilesHoldOneIdea(t *testing.T) {
	sources(t, func(rel, file string, content []byte) {
		if n := bytes.Count(content, []byte("\n")); n > maxLines && !generated(content) {
			t.Errorf("%s/%s has %d lines, more than %d: split it by idea, not by size", rel, file, n, maxLines)
		}
	})
}

func TestNothingHappensAtImport(t *testing.T) {
	sources(t, func(rel, file string, content []byte) {
		if generated(content) {
			return
		}
		for _, decl := range parsed(t, file, content).Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s/%s has an init function: work starts in main, in an order that can be read there", rel, file)
			}
		}
	})
}

func TestPurePackagesCallNoClock(t *testing.T) {
	sources(t, func(rel, file string, content []byte) {
		if !in(rel, "pure") || strings.HasSuffix(file, "_test.go") {
			return
		}
		f := parsed(t, file, content)
		imports := importNames(f)
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				t.Errorf("%s/%s starts a goroutine: Step is called, it does not run", rel, file)
			case *ast.SelectorExpr:
				x, ok := n.X.(*ast.Ident)
				if !ok || x.Obj != nil { // Obj: a local variable, not a package
					return true
				}
				from, name := imports[x.Name], n.Sel.Name
				if impureCalls[from][name] {
					t.Errorf("%s/%s uses %s.%s: time comes in as the now of Step", rel, file, from, name)
				}
				if strings.HasPrefix(from, "math/rand") && ast.IsExported(name) && !pureRand[name] && !isType(name) {
					t.Errorf("%s/%s uses %s.%s: randomness comes in as a *rand.Rand", rel, file, from, name)
				}
			}
			return true
		})
	})
}

// isType says whether a name of math/rand is a type, which is harmless.
func isType(name string) bool {
	switch name {
	case "Rand", "Source", "Source64", "PCG", "ChaCha8", "Zipf":
		return true
	}
	return false
}

func parsed(t *testing.T, file string, content []byte) *ast.File {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, content, 0)
	if err != nil {
		t.Fatalf("cannot parse %s: %v", file, err)
	}
	return f
}

// importNames maps the names that a file uses for packages to their paths.
func importNames(f *ast.File) map[string]string {
	names := map[string]string{}
	for _, spec := range f.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue
		}
		name := p[strings.LastIndex(p, "/")+1:]
		if name == "v2" {
			name = "rand" // math/rand/v2 is the only versioned path of the standard library
		}
		if spec.Name != nil {
			name = spec.Name.Name
		}
		names[name] = p
	}
	return names
}
