package etcd

import (
	"context"
	"errors"
	"os/exec"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-net/holdfast/internal/lease"
)

func TestStore(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	s := c.store()
	ctx := bound(t, 20*time.Second)

	f, err := s.Get(ctx, "g")
	if err != nil || f.Revision != lease.Absent {
		t.Fatalf("nothing is there, and Get says %+v, %v", f, err)
	}
	one, two, three := record(1), record(2), record(3)
	ok, first, err := s.Swap(ctx, "g", lease.Condition{Revision: lease.Absent}, one)
	if err != nil || !ok || first.Record != one || first.Revision == "" {
		t.Fatalf("the first Swap: %t, %+v, %v", ok, first, err)
	}
	if f, err = s.Get(ctx, "g"); err != nil || f != first {
		t.Fatalf("Get: %+v, %v; want %+v", f, err, first)
	}
	ok, f, err = s.Swap(ctx, "g", lease.Condition{Revision: lease.Absent}, two)
	if err != nil || ok || f != first {
		t.Fatalf("a Swap of what is not absent: %t, %+v, %v", ok, f, err)
	}
	ok, f, err = s.Swap(ctx, "g", lease.Condition{After: &two}, three)
	if err != nil || ok || f != first {
		t.Fatalf("a Swap after what was never there: %t, %+v, %v", ok, f, err)
	}
	ok, second, err := s.Swap(ctx, "g", lease.Condition{After: &one}, two)
	if err != nil || !ok {
		t.Fatalf("a Swap after what is there: %t, %v", ok, err)
	}
	// What is there already was written by another member in the same race.
	ok, f, err = s.Swap(ctx, "g", lease.Condition{After: &one}, two)
	if err != nil || !ok || f != second {
		t.Fatalf("the same Swap again: %t, %+v, %v; want %+v", ok, f, err, second)
	}
	ok, f, err = s.Swap(ctx, "g", lease.Condition{Revision: first.Revision}, three)
	if err != nil || ok || f != second {
		t.Fatalf("a Swap of what is over: %t, %+v, %v", ok, f, err)
	}
	if _, _, err := s.Swap(ctx, "g", lease.Condition{}, three); err == nil {
		t.Error("a Swap without a condition was carried out")
	}
	for _, v := range s.View() {
		if v.First && (v.Heard.IsZero() || v.Trip <= 0 || v.Err != "") {
			t.Errorf("the member that answers: %+v", v)
		}
	}
}

// Of many who want the same, one gets it, whatever members they ask.
func TestStore_SwapsOnce(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	var stores []*Store
	for i := range 3 {
		stores = append(stores, c.store(append(slices.Clone(c.clients[i:]), c.clients[:i]...)...))
	}
	at := lease.Absent
	for round := range 20 {
		var mu sync.Mutex
		var won []lease.Revision
		var all sync.WaitGroup
		for i, s := range stores {
			all.Go(func() {
				r := record(uint64(round))
				r.Instance = string(rune('a' + i))
				ok, f, err := s.Swap(bound(t, 10*time.Second), "g", lease.Condition{Revision: at}, r)
				if err != nil {
					t.Error(err)
				}
				if ok {
					mu.Lock()
					won = append(won, f.Revision)
					mu.Unlock()
				}
			})
		}
		all.Wait()
		if len(won) != 1 {
			t.Fatalf("round %d: %d of 3 won", round, len(won))
		}
		at = won[0]
	}
}

// Whichever one member is killed or stopped, renewals go on: those that were
// asked of it are late by less than a quarter of a term, unless it led.
func TestStore_OutlivesAMember(t *testing.T) {
	for _, how := range []syscall.Signal{syscall.SIGKILL, syscall.SIGSTOP} {
		t.Run(how.String(), func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, 3)
			s := c.store()
			lost := c.follower(s)
			// That one is asked first.
			s.prefer(lost)
			const term = 800 * time.Millisecond
			at, longest := lease.Absent, time.Duration(0)
			for i := range 60 {
				if i == 20 {
					c.signal(lost, how)
				}
				begun := time.Now()
				ctx, cancel := context.WithTimeout(context.Background(), term)
				ok, f, err := s.Swap(ctx, "g", lease.Condition{Revision: at}, record(uint64(i)))
				cancel()
				if err != nil || !ok {
					t.Fatalf("renewal %d: %t, %v", i, ok, err)
				}
				if at = f.Revision; i >= 20 {
					longest = max(longest, time.Since(begun))
				}
				time.Sleep(5 * time.Millisecond)
			}
			t.Logf("the longest renewal took %s", longest)
			if longest > term/4+100*time.Millisecond { // which a busy machine may add
				t.Errorf("the longest renewal took %s, a term is %s", longest, term)
			}
		})
	}
}

// follower is a member that does not lead.
func (c *cluster) follower(s *Store) int {
	c.t.Helper()
	leader := c.leader()
	for i := range c.clients {
		if i != leader {
			return i
		}
	}
	c.t.Fatal("there is no follower")
	return -1
}

// leader is the member that leads, as etcdctl has it.
func (c *cluster) leader() int {
	c.t.Helper()
	if _, err := exec.LookPath("etcdctl"); err != nil {
		c.t.Skipf("needs etcdctl, which `make test` installs: %v", err)
	}
	found := -1
	until(c.t, func() bool {
		for i, at := range c.clients {
			cmd := exec.Command("etcdctl", "--endpoints", at, "endpoint", "status", "-w", "fields")
			cmd.Env = append(cmd.Environ(), "ETCDCTL_API=3")
			out, _ := cmd.Output()
			f := fields(string(out))
			if f["MemberID"] != "" && f["MemberID"] == f["Leader"] {
				found = i
			}
		}
		return found >= 0
	})
	return found
}

// Without a majority nothing is read and nothing written, in the time given.
func TestStore_NeedsAMajority(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	s := c.store()
	c.kill(0)
	c.kill(1)
	begun := time.Now()
	if f, err := s.Get(bound(t, 300*time.Millisecond), "g"); err == nil {
		t.Errorf("Get: %+v", f)
	}
	ok, _, err := s.Swap(bound(t, 300*time.Millisecond), "g", lease.Condition{Revision: lease.Absent}, record(1))
	if err == nil {
		t.Errorf("Swap: %t", ok)
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("both took %s", took)
	}
	c.start(0)
	until(t, func() bool {
		_, err := s.Get(bound(t, time.Second), "g")
		return err == nil
	})
}

// A watch tells of every last change, over lost members and forgotten
// revisions.
func TestStore_Watch(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	s := c.store()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var mu sync.Mutex
	var told []lease.Found
	ended := make(chan error, 1)
	go func() {
		ended <- s.Watch(ctx, "g", func(f lease.Found) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, f)
		})
	}()
	last := func() lease.Found {
		mu.Lock()
		defer mu.Unlock()
		if len(told) == 0 {
			return lease.Found{}
		}
		return told[len(told)-1]
	}
	until(t, func() bool { return last().Revision == lease.Absent })

	at := lease.Absent
	write := func(n uint64) {
		t.Helper()
		_, f, err := s.Swap(bound(t, 20*time.Second), "g", lease.Condition{Revision: at}, record(n))
		if err != nil {
			t.Fatal(err)
		}
		at = f.Revision
		until(t, func() bool { return last() == f })
	}
	write(1)
	c.kill(c.leader())
	write(2)
	for i := range 3 {
		if c.processes[i] == nil {
			c.start(i)
		}
	}
	lost := c.follower(s)
	c.signal(lost, syscall.SIGSTOP)
	for n := uint64(3); n < 10; n++ {
		write(n)
	}
	c.compact(at, c.clients[(lost+1)%3])
	c.signal(lost, syscall.SIGCONT)
	for n := uint64(10); n < 15; n++ {
		write(n)
	}
	mu.Lock()
	var renewals []uint64
	for _, f := range told {
		renewals = append(renewals, f.Record.Renewal)
	}
	mu.Unlock()
	if !slices.IsSorted(renewals) {
		t.Errorf("told in the order %v", renewals)
	}
	if want := slices.Compact(slices.Clone(renewals)); !cmp.Equal(want, renewals) {
		t.Errorf("told twice: %v", renewals)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the watch ended by itself: %v", err)
	}
}

func (c *cluster) compact(at lease.Revision, endpoint string) {
	c.t.Helper()
	cmd := exec.Command("etcdctl", "--endpoints", endpoint, "compact", string(at))
	cmd.Env = append(cmd.Environ(), "ETCDCTL_API=3")
	if out, err := cmd.CombinedOutput(); err != nil {
		c.t.Fatalf("compact: %v\n%s", err, out)
	}
}

// A member of another cluster by mistake is not believed.
func TestStore_OneCluster(t *testing.T) {
	t.Parallel()
	c, other := newCluster(t, 1), newCluster(t, 1)
	// Both are there: of two that disagree the first to answer is believed.
	c.store()
	other.store()
	s := c.store(c.clients[0], other.clients[0])
	if ok, _, err := s.Swap(bound(t, 10*time.Second), "g", lease.Condition{Revision: lease.Absent}, record(1)); err != nil || !ok {
		t.Fatalf("Swap: %t, %v", ok, err)
	}
	s.prefer(1)
	if f, err := s.Get(bound(t, 10*time.Second), "g"); err != nil || f.Record != record(1) {
		t.Fatalf("Get: %+v, %v", f, err)
	}
	if got := s.View()[1].Err; got != errElsewhere.Error() {
		t.Errorf("the member of another cluster: %q", got)
	}
	c.kill(0)
	if f, err := s.Get(bound(t, time.Second), "g"); err == nil {
		t.Errorf("the other cluster was believed: %+v", f)
	}
}
