package local

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-net/holdfast/internal/check"
)

// A check with a user of its own, against real permissions.
func TestExec_AsAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: it runs programs as other users")
	}
	dir := t.TempDir()
	for d := dir; strings.HasPrefix(d, filepath.Clean(os.TempDir())+"/"); d = filepath.Dir(d) {
		must(t, os.Chmod(d, 0o755))
	}
	closed := filepath.Join(dir, "closed")
	must(t, os.Mkdir(closed, 0o700))
	script := func(path string, mode os.FileMode) string {
		must(t, os.WriteFile(path, []byte("#!/bin/sh\necho \"$(id -un) $USER $HOME\"\n"), mode))
		must(t, os.Chmod(path, mode))
		return path
	}
	look := func(path string) check.Seen {
		return try(t, newExec(check.Exec{Run: []string{path}, User: "nobody", Codes: check.CodesStatus}, Env{}), long)
	}
	if got := look(script(filepath.Join(dir, "open"), 0o755)); !got.OK || !strings.HasSuffix(got.Text, ": nobody nobody /nonexistent") {
		t.Errorf("%+v", got)
	}
	for path, want := range map[string]string{
		script(filepath.Join(dir, "private"), 0o700):   dir + "/private is not executable for user nobody: mode 0700, owner root",
		script(filepath.Join(closed, "inside"), 0o755): closed + " is not searchable for user nobody: mode 0700, owner root",
	} {
		got := look(path)
		if got.OK || !strings.HasSuffix(got.Text, want) {
			t.Errorf("%+v, want %q", got, want)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
