package config

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/rogpeppe/go-internal/txtar"
)

// FuzzParse: whatever the file, there is an answer and no panic; a
// configuration comes out exactly when there is no error; every place exists;
// what is shown cannot disturb a terminal; and what is accepted works.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		ar, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, x := range ar.Files {
			if !strings.HasSuffix(x.Name, ".want") {
				f.Add(x.Data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		cfg, ds := Parse("holdfast.yaml", src, testFacts())
		if (cfg == nil) != ds.HasErrors() {
			t.Errorf("config %v, errors %v", cfg != nil, ds.HasErrors())
		}
		lines := bytes.Count(src, []byte("\n")) + 1
		for _, d := range ds {
			if d.Line < 0 || d.Line > lines || d.Line > 0 && (d.Column < 1 || d.Length < 1) || d.Message == "" {
				t.Errorf("odd diagnostic %+v in %d lines", d, lines)
			}
		}
		var b strings.Builder
		if err := ds.Render(&b, Plain); err != nil {
			t.Fatal(err)
		}
		for _, c := range b.String() {
			if unicode.IsControl(c) && c != '\n' {
				t.Errorf("shows %U: %q", c, b.String())
			}
		}
		if cfg == nil {
			return
		}
		if diff := Diff(cfg, cfg); len(diff) > 0 {
			t.Errorf("differs from itself: %v", diff)
		}
		routersWork(t, "fuzz", cfg)
	})
}
