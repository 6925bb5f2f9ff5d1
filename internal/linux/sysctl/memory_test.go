package sysctl

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMemory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "settings.json")
	m, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	keep := func(m *Memory, index int, v Values) {
		t.Helper()
		if err := m.Keep("eth0", index, v); err != nil {
			t.Fatal(err)
		}
	}
	keep(m, 2, Values{ARPIgnore: 0})
	keep(m, 2, Values{ARPIgnore: 1, ARPAnnounce: 0}) // 1 is what we set, not the original

	next, err := Open(path) // the run after a kill
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]Original{"eth0": {Index: 2, Values: Values{ARPIgnore: 0, ARPAnnounce: 0}}}
	if diff := cmp.Diff(want, next.Known()); diff != "" {
		t.Errorf("remembered (-want +got):\n%s", diff)
	}
	keep(next, 7, Values{ARPAnnounce: 1}) // the interface was made again
	want = map[string]Original{"eth0": {Index: 7, Values: Values{ARPAnnounce: 1}}}
	if diff := cmp.Diff(want, next.Known()); diff != "" {
		t.Errorf("remembered of a new interface (-want +got):\n%s", diff)
	}
	if err := next.Forget("eth0", ARPAnnounce, ARPIgnore); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the file is there (%v) with nothing in it", err)
	}
	if err := next.Forget("eth1", ARPAnnounce); err != nil {
		t.Error(err)
	}
}

func TestMemoryOfADamagedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "settings.json")
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := Open(path)
	if err == nil || len(m.Known()) != 0 {
		t.Errorf("error %v, %v remembered; want an error and nothing", err, m.Known())
	}
	if err := m.Keep("eth0", 2, Values{ARPIgnore: 0}); err != nil {
		t.Errorf("cannot go on after it: %v", err)
	}
}
