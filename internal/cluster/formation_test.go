package cluster

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func spec(name string, names ...string) *Spec {
	s := &Spec{Name: name, Dir: "/d"}
	for i, n := range names {
		s.Peers = append(s.Peers, Peer{n, netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}), 9113)})
	}
	return s
}

// Who may begin, and who must not: a member that voted once and has lost what
// it voted for must never do so again as if nothing had happened.
func TestDecide(t *testing.T) {
	a := spec("a", "a", "b", "c")
	fresh, began := &memory{Seed: "A"}, &memory{Seed: "A", Began: true}
	empty := func(name string) *Word {
		return &Word{Name: name, Seed: strings.ToUpper(name), List: a.list(), State: Waiting}
	}
	urls := a.urls()
	running := func(formation map[string]string, names ...string) *Word {
		w := &Word{Name: "b", State: Running, Leader: "b", Formation: formation}
		for i, n := range names {
			if n != "" {
				w.Members = append(w.Members, Info{ID: uint64(i + 1), Name: n, PeerURL: urls[n]})
			}
		}
		return w
	}
	all := map[string]string{"a": "A", "b": "B", "c": "C"}
	expecting := running(nil, "b", "c")
	expecting.Members = append(expecting.Members, Info{ID: 9, PeerURL: urls["a"], Learner: true})
	headless := running(nil, "b", "c")
	headless.Leader, headless.Members = "", expecting.Members
	other := empty("b")
	other.List = "another"

	type heard = map[string]*Word
	for _, c := range []struct {
		name  string
		m     *memory
		heard heard
		want  verdict
		says  string
	}{
		{"alone", fresh, heard{}, verdict{state: Waiting}, "not yet: b, c"},
		{"one missing", fresh, heard{"b": empty("b")}, verdict{state: Waiting}, "not yet: c"},
		{"all there", fresh, heard{"b": empty("b"), "c": empty("c")}, verdict{state: Waiting, begin: true, initial: urls, formation: all}, ""},
		{"another list", fresh, heard{"b": other, "c": empty("c")}, verdict{state: Waiting}, "the file of b names other"},
		{"it was formed without waiting for us to begin", fresh, heard{"b": running(all, "a", "b", "c")}, verdict{state: Waiting, begin: true, initial: urls, formation: all}, ""},
		{"it was formed with another one of our name", fresh, heard{"b": running(map[string]string{"a": "old"}, "a", "b", "c")}, verdict{state: Apart}, "cluster replace a"},
		{"we were there and lost it", began, heard{"b": running(all, "a", "b", "c")}, verdict{state: Apart}, "cluster replace a"},
		{"we were there, lost it, and nobody runs", began, heard{"b": empty("b"), "c": empty("c")}, verdict{state: Apart}, "cluster replace a"},
		{"another one was there and lost it", fresh, heard{"b": {Name: "b", State: Apart}, "c": empty("c")}, verdict{state: Waiting}, "an earlier cluster, of which b was one"},
		{"we are no member", fresh, heard{"b": running(nil, "b", "c")}, verdict{state: Apart}, "cluster grow a"},
		{"we are expected", began, heard{"b": expecting}, verdict{state: Waiting, begin: true, existing: true, initial: urls}, ""},
		{"we are expected by who has no leader", began, heard{"b": headless}, verdict{state: Waiting}, "has no leader"},
	} {
		got := decide(a, c.m, c.heard)
		if !strings.Contains(got.text, c.says) || c.says == "" && got.text != "" {
			t.Errorf("%s: says %q, want %q", c.name, got.text, c.says)
		}
		got.text = ""
		if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(verdict{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
	if token(all) == token(map[string]string{"a": "A", "b": "B", "c": "D"}) {
		t.Error("other members make the same token")
	}
}

// The authority is made once; what is there stays; a member's key is nobody
// else's to read.
func TestInit(t *testing.T) {
	dir := t.TempDir()
	s := spec("a", "a", "b")
	made, err := Init(dir, "votes.key", s.Peers)
	want := []string{"a.crt", "a.key", "b.crt", "b.key", "ca.crt", "ca.key", "votes.key"}
	if diff := cmp.Diff(want, made); diff != "" || err != nil {
		t.Fatalf("made (-want +got), %v:\n%s", err, diff)
	}
	if made, err = Init(dir, "votes.key", s.Peers); err != nil || len(made) > 0 {
		t.Errorf("again: %v, %v", made, err)
	}
	if made, err = Init(dir, "votes.key", spec("a", "a", "b", "c").Peers); err != nil || !cmp.Equal(made, []string{"c.crt", "c.key"}) {
		t.Errorf("with another one: %v, %v", made, err)
	}
	for _, n := range []string{"a", "b", "c"} {
		if _, err := FilesOf(dir, n).TLS(); err != nil {
			t.Error(err)
		}
	}
	secret(t, dir, "ca.key", "a.key", "votes.key")
}

func secret(t *testing.T, dir string, names ...string) {
	t.Helper()
	for _, n := range names {
		info, err := os.Stat(filepath.Join(dir, n))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %s", n, info.Mode())
		}
	}
}
