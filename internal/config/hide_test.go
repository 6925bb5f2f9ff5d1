package config

import (
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// Whatever is wrong with a file, no secret in it is shown: each file of
// secrets.txtar is broken in every place, by leaving out a line, a character,
// or the rest.
func TestRender_HidesSecretsInBrokenFiles(t *testing.T) {
	ar, err := txtar.ParseFile("testdata/secrets.txtar")
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{}
	try := func(src string) {
		_, ds := Parse("holdfast.yaml", []byte(src), testFacts())
		var b strings.Builder
		if err := ds.Render(&b, Plain); err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"hunter22", "it''s a secret"} {
			if strings.Contains(b.String(), secret) && !shown[src] {
				shown[src] = true
				t.Errorf("%q is shown for\n%s\n%s", secret, src, b.String())
			}
		}
	}
	for _, f := range ar.Files {
		if strings.HasSuffix(f.Name, ".want") {
			continue
		}
		src := string(f.Data)
		lines := strings.SplitAfter(src, "\n")
		for i := range lines {
			try(strings.Join(lines[:i], "") + strings.Join(lines[i+1:], ""))
		}
		for i := 0; i < len(src); i += 3 {
			try(src[:i])
			try(src[:i] + src[i+1:])
		}
	}
}
