package demo

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSweep(t *testing.T) {
	parent := t.TempDir()
	now := time.Now()
	mkdir := func(name string, age time.Duration) string {
		dir := filepath.Join(parent, name)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "lb1.log"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(dir, now.Add(-age), now.Add(-age)); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	mkdir(prefix+"left", time.Hour)
	mkdir(prefix+"new", time.Second)
	mkdir("somebody-else", time.Hour)
	release, err := claim(mkdir(prefix+"running", time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	if err := os.Symlink(mkdir("elsewhere", time.Hour), filepath.Join(parent, prefix+"link")); err != nil {
		t.Fatal(err)
	}

	sweep(parent, now)
	left, err := os.ReadDir(parent)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range left {
		names = append(names, e.Name())
	}
	want := []string{"elsewhere", prefix + "link", prefix + "new", prefix + "running", "somebody-else"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
