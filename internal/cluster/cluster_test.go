package cluster

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Three members that start in any order are one cluster, and a lost one costs
// the store no longer than an election.
func TestCluster_FormsByItself(t *testing.T) {
	s := newSite(t, "a", "b", "c")
	s.start("c")
	s.start("a")
	until(t, func() bool {
		w := s.word("a")
		return w != nil && strings.Contains(w.Text, "not yet: b")
	})
	s.start("b")
	s.whole("a", "b", "c")
	st := s.store()
	until(t, func() bool { return s.renew(st, 1, time.Second) == nil })

	// The leader is killed.
	leader := s.word("a").Leader
	pid, _ := s.keepers[leader].State()
	p, err := os.FindProcess(pid)
	if err != nil {
		t.Fatal(err)
	}
	_ = p.Kill()
	begun := time.Now()
	until(t, func() bool { return s.renew(st, 2, 100*time.Millisecond) == nil })
	t.Logf("without the leader the store was back after %s", time.Since(begun))
	s.whole("a", "b", "c") // the keeper started it again

	// The leader is told to end: it hands the lead over first.
	leader = s.word("a").Leader
	ended := make(chan time.Duration)
	go func() {
		begun := time.Now()
		s.stop(leader)
		ended <- time.Since(begun)
	}()
	longest, n := time.Duration(0), uint64(3)
	for running := true; running; n++ {
		begun := time.Now()
		until(t, func() bool { return s.renew(st, n, 100*time.Millisecond) == nil })
		longest = max(longest, time.Since(begun))
		select {
		case took := <-ended:
			t.Logf("a leader that is told to end takes %s, and keeps a renewal for %s at most", took, longest)
			running = false
		default:
		}
	}

	// All restart.
	for _, n := range []string{"a", "b", "c"} {
		s.stop(n)
	}
	for _, n := range []string{"b", "c", "a"} {
		s.start(n)
	}
	s.whole("a", "b", "c")
}

// A member whose data is lost does not vote, says so, and is replaced.
func TestCluster_ReplacesAMember(t *testing.T) {
	s := newSite(t, "a", "b", "c")
	for _, n := range []string{"a", "b", "c"} {
		s.start(n)
	}
	s.whole("a", "b", "c")
	for what, lose := range map[string]string{"all": s.dirs["c"], "the database": dataDir(s.dirs["c"])} {
		s.stop("c")
		if err := os.RemoveAll(lose); err != nil {
			t.Fatal(err)
		}
		s.start("c")
		until(t, func() bool {
			w := s.word("c")
			return w != nil && w.State == Apart && strings.Contains(w.Text, "cluster replace c")
		})
		if err := s.admin().Replace(t.Context(), "c"); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		s.whole("a", "b", "c")
	}
	// One that is well can be made anew as well.
	if err := s.admin().Replace(t.Context(), "b"); err != nil {
		t.Fatal(err)
	}
	s.whole("a", "b", "c")
	// Not with another one lost.
	s.stop("b")
	until(t, func() bool { return s.admin().Status(t.Context()).Leader != "" })
	if err := s.admin().Replace(t.Context(), "a"); err == nil || !strings.Contains(err.Error(), "no majority") {
		t.Errorf("the store was to be left without a majority: %v", err)
	}
}

// From one to three members and back, with what is in the store.
func TestCluster_GrowsAndShrinks(t *testing.T) {
	s := newSite(t, "a")
	s.start("a")
	s.whole("a")
	st := s.store()
	until(t, func() bool { return s.renew(st, 7, time.Second) == nil })

	for _, n := range []string{"b", "c"} {
		s.add(n)
		if _, err := Init(s.certs, "votes.key", s.peers); err != nil {
			t.Fatal(err)
		}
		s.start(n)
		until(t, func() bool {
			w := s.word(n)
			return w != nil && strings.Contains(w.Text, "cluster grow "+n)
		})
		if err := s.admin().Grow(t.Context(), n); err != nil {
			t.Fatal(err)
		}
		until(t, func() bool {
			w := s.word(n)
			return w != nil && w.State == Running && w.Leader != ""
		})
	}
	s.whole("a", "b", "c")
	if f, err := s.store().Get(t.Context(), "g"); err != nil || f.Record.Renewal != 7 {
		t.Fatalf("what was there: %+v, %v", f, err)
	}
	for i, n := range []string{"a", "c"} {
		if err := s.admin().Shrink(t.Context(), n); err != nil {
			t.Fatal(err)
		}
		until(t, func() bool {
			w := s.word(n)
			return w != nil && w.State == Apart
		})
		s.whole([][]string{{"b", "c"}, {"b"}}[i]...)
	}
	if err := s.admin().Shrink(t.Context(), "b"); err == nil || !strings.Contains(err.Error(), "the only member") {
		t.Errorf("the last member was to be removed: %v", err)
	}
}

// A snapshot brings back what was there, on members that have nothing.
func TestCluster_IsRestored(t *testing.T) {
	s := newSite(t, "a", "b", "c")
	names := []string{"a", "b", "c"}
	for _, n := range names {
		s.start(n)
	}
	s.whole(names...)
	st := s.store()
	until(t, func() bool { return s.renew(st, 41, time.Second) == nil })
	before, err := st.Get(t.Context(), "g")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "snapshot")
	if _, err := s.admin().Snapshot(t.Context(), file); err != nil {
		t.Fatal(err)
	}
	if err := s.renew(st, 42, time.Second); err != nil {
		t.Fatal(err)
	}
	restore := func(n string) error {
		return Restore(Spec{Name: n, Dir: s.dirs[n], Peers: s.peers, Certificates: s.certs}, file)
	}
	if err := restore("a"); err == nil {
		t.Error("a member that runs was restored")
	}
	for _, n := range names {
		s.stop(n)
	}
	for _, n := range names {
		if err := restore(n); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range names {
		s.start(n)
	}
	s.whole(names...)
	// A daemon that has been there all the time sees the same.
	until(t, func() bool {
		f, err := st.Get(t.Context(), "g")
		if err == nil && f.Record.Renewal != 41 {
			t.Fatalf("restored: %+v", f)
		}
		return err == nil
	})
	after, err := s.store().Get(t.Context(), "g")
	if err != nil || after.Record != before.Record {
		t.Fatalf("restored: %+v, %v; it was %+v", after, err, before)
	}
	if err := os.WriteFile(file, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.stop("a")
	if err := restore("a"); err == nil {
		t.Error("nonsense was restored")
	}
}
