package daemon_test

import (
	"os/exec"
	"strings"
	"testing"
)

// What can be told of a store is told: by the status of a node that uses it, by
// the explanation of a group in it, and by the doctor.
func TestStore_IsShown(t *testing.T) {
	s := newStoreSite(t)
	for _, n := range s.all {
		n.run(n.command())
	}
	s.whole()
	st, err := s.a.status()
	s.must(err)
	if len(st.Stores) != 1 || st.Stores[0].Name != "embedded" || len(st.Stores[0].Members) != 3 {
		t.Errorf("stores: %+v", st.Stores)
	}
	if got := s.a.cli("status"); !strings.Contains(got.out, "store embedded: ") {
		t.Errorf("status says\n%s", got.out)
	}
	s.a.explains("web", "the store of leases: one record says who holds", "store", "it answers")
	got := s.a.ends(exec.Command(binary.path, "doctor", "-c", s.a.file()))
	for _, word := range []string{"and the shortest lease is " + storeLease.String(), "member a: member", "member w: member", "a.crt is good for", "are free for this node's member"} {
		if !strings.Contains(got.out, word) {
			t.Errorf("the doctor does not say %q:\n%s%s", word, got.out, got.err)
		}
	}
}
