package conformance

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// proof is one directive: a test that shows something of a requirement.
type proof struct {
	id       string // with the standard's prefix
	polarity string // "positive" or "negative"
	test     string
	file     string // from the root of the module
}

const directive = "//conformance:"

// scan reads the directives of every test of the module, in the order of files
// and lines.
func scan(root string) ([]proof, error) {
	var all []proof
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if path != root && (strings.HasPrefix(name, ".") || name == "testdata") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, "_test.go") {
			return nil
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if !bytes.Contains(source, []byte(directive)) {
			return nil
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		proofs, err := directives(filepath.ToSlash(rel), source)
		all = append(all, proofs...)
		return err
	})
	return all, err
}

// directives reads those of one file.
func directives(file string, source []byte) ([]proof, error) {
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, file, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var proofs []proof
	for _, group := range f.Comments {
		for _, c := range group.List {
			text, ok := strings.CutPrefix(c.Text, directive)
			if !ok {
				continue
			}
			id, polarity, _ := strings.Cut(strings.TrimSpace(text), " ")
			p := proof{id, polarity, testAt(f, c), file}
			switch at := set.Position(c.Pos()); {
			case p.test == "":
				return nil, fmt.Errorf("%s: %s is not above or in a test", at, c.Text)
			case polarity != "positive" && polarity != "negative":
				return nil, fmt.Errorf("%s: %s is neither positive nor negative", at, c.Text)
			case slices.Contains(proofs, p):
				return nil, fmt.Errorf("%s: %s is there twice", at, c.Text)
			}
			proofs = append(proofs, p)
		}
	}
	return proofs, nil
}

// testAt names the test whose doc comment or body a comment is in.
func testAt(f *ast.File, c *ast.Comment) string {
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || !strings.HasPrefix(fn.Name.Name, "Test") && !strings.HasPrefix(fn.Name.Name, "Fuzz") {
			continue
		}
		start := fn.Pos()
		if fn.Doc != nil {
			start = fn.Doc.Pos()
		}
		if start <= c.Pos() && c.Pos() < fn.End() {
			return fn.Name.Name
		}
	}
	return ""
}
