package gate

import (
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
)

// FuzzNames parses what the kernel says programs and maps are called, which
// others may have named.
func FuzzNames(f *testing.F) {
	for _, name := range []string{
		kernelProgHoldfast1In, kernelProgHoldfast1L3out, "holdfast99999999999_in", "holdfast_in", "hf1_holds", "hf1_", "hf_holds", "",
	} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if l, d, ok := parseName(name); ok {
			if l < 0 || d != in && d != out {
				t.Errorf("program %q: layout %d, direction %d", name, l, d)
			}
			if _, _, ok := parseMapName(name); ok {
				t.Errorf("%q is a program and a map", name)
			}
		}
		if l, inC, ok := parseMapName(name); ok && (l < 0 || len(inC) <= len("hf_")) {
			t.Errorf("map %q: layout %d, name %q", name, l, inC)
		}
	})
}

// FuzzPrograms reads a file of program numbers that may have been cut off or
// written by somebody else. What is taken from it is the same when it is
// written and read again.
func FuzzPrograms(f *testing.F) {
	for _, text := range []string{
		"", "{}", "null", `{"17":{"name":"holdfast1_in","maps":[1,2,3]}}`, `{"17":{"name":"holdfast1_in"`, `{"-1":{}}`, `{"17":null}`, `[]`,
	} {
		f.Add([]byte(text))
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text []byte) {
		read := func(b []byte) (*programs, error) {
			path := filepath.Join(dir, "gate-"+namespace()+".json")
			must(t, os.WriteFile(path, b, 0o600))
			return openPrograms(dir)
		}
		ps, err := read(text)
		if err != nil {
			return
		}
		for id, p := range ps.known {
			if got, ours, err := ps.look(id); err != nil || !ours || got.Name != p.Name {
				t.Errorf("program %d: %+v, ours %v, error %v; want %+v", id, got, ours, err, p)
			}
		}
		b, err := json.Marshal(ps.known)
		must(t, err)
		again, err := read(b)
		must(t, err)
		if len(again.known) != len(ps.known) {
			t.Errorf("%d programs, written and read again %d", len(ps.known), len(again.known))
		}
	})
}

// FuzzSighting parses what is in the ring buffer.
func FuzzSighting(f *testing.F) {
	f.Add([]byte{})
	f.Add(make([]byte, sightingSize))
	f.Add(append(make([]byte, 26), 0xff, 0xff, 192, 0, 2, 10, 2, 0, 0, 0, 0, 66, byte(ARPClaim), 0))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, ok := parseSighting(b)
		if ok != (len(b) >= sightingSize) {
			t.Fatalf("%d bytes are a sighting: %v", len(b), ok)
		}
		if !ok {
			return
		}
		if !s.Addr.IsValid() || s.Addr.Is4In6() || s.Addr.Zone() != "" {
			t.Errorf("address %v", s.Addr)
		}
		if s.Addr.As16() != netip.AddrFrom16([16]byte(b[16:32])).As16() || s.MAC != [6]byte(b[32:38]) {
			t.Errorf("sighting %+v of % x", s, b)
		}
		if s.Kind.String() == "" {
			t.Errorf("kind %d has no name", s.Kind)
		}
	})
}
