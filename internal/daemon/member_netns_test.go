package daemon_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/api"
)

// storeSite is two nodes and a witness with the store of their cluster, and a
// group whose election is a lease in it.
type storeSite struct {
	*site
	w   *node
	all []*node
}

// storeLease is long enough that a machine that does ten other things, with one
// disk for all three members, does not look like one without a store.
const storeLease = 6 * time.Second

func newStoreSite(t *testing.T) *storeSite {
	t.Helper()
	s := &storeSite{site: newSite(t)}
	s.w = s.add("w", 3)
	s.all = []*node{s.a, s.b, s.w}
	for _, n := range s.all {
		s.file(n, "", "")
	}
	if out, err := exec.Command(binary.path, "cluster", "init", "-c", s.a.file()).CombinedOutput(); err != nil {
		t.Fatalf("cluster init: %v\n%s", err, out)
	}
	return s
}

// file writes a node's file, with further lines of the group, and of the file.
func (s *storeSite) file(n *node, group, top string) {
	s.t.Helper()
	text := fmt.Sprintf("node: %s\nstate: %s\ncontrol: {socket: %s}\n", n.name, n.state(), n.socket()) +
		fmt.Sprintf("cluster: {nodes: {a: 192.0.2.1, b: 192.0.2.2}, witnesses: {w: 192.0.2.3}, store: embedded, certificates: %s}\n", filepath.Join(s.dir, "certs"))
	if n == s.w {
		text += "witness: {}\n"
	} else {
		text += fmt.Sprintf("groups:\n  web:\n    addresses: [%s]\n    interface: eth0\n    lease: {ttl: %s}\n", vip, storeLease) + group + top
	}
	s.must(os.WriteFile(n.file(), []byte(text), 0o644))
}

// store is what `cluster status` says on a node.
func (n *node) store() (api.Cluster, error) {
	var c api.Cluster
	a := n.ends(exec.Command(binary.path, "cluster", "status", "-c", n.file(), "-o", "json"))
	if err := json.Unmarshal([]byte(a.out), &c); err != nil {
		return c, fmt.Errorf("%w: %s%s", err, a.out, a.err)
	}
	return c, nil
}

// whole waits until every member is well.
func (s *storeSite) whole() {
	s.t.Helper()
	s.within("the store is whole", func() error {
		c, err := s.a.store()
		for _, m := range c.Members {
			if err == nil && (m.State != "member" || m.Leader == "" || !c.Majority) {
				err = fmt.Errorf("%+v", c)
			}
		}
		return err
	})
}

// renewed waits until a holder has renewed its lease once more: of two faults that
// follow each other at once, a hold would have to outlast both.
func (s *storeSite) renewed(holder *node) {
	s.t.Helper()
	var first time.Time // the end of the hold, when it was first looked at
	s.within(holder.name+" renews its lease", func() error {
		g, err := holder.group("web")
		switch {
		case err != nil:
			return err
		case g.Lease == nil || g.Lease.Left == 0:
			return errNotYet
		}
		end := time.Now().Add(time.Duration(g.Lease.Left))
		if first.IsZero() {
			first = end
		}
		if end.Sub(first) < time.Second {
			return errNotYet
		}
		return nil
	})
}

// leader is the node whose member leads.
func (s *storeSite) leader() *node {
	s.t.Helper()
	c, err := s.a.store()
	s.must(err)
	for _, n := range s.all {
		if n.name == c.Leader {
			return n
		}
	}
	s.t.Fatalf("nobody leads: %+v", c)
	return nil
}

// member is the process of a node's member.
func (n *node) member() int {
	n.s.t.Helper()
	found := 0
	n.s.within("the member of "+n.name+" runs", func() error {
		for _, pid := range n.host.Processes() {
			if b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); err == nil && strings.HasSuffix(string(b), "\x00member\x00") {
				found = pid
				return nil
			}
		}
		return errNotYet
	})
	return found
}

// Two nodes and a witness form a store by themselves, and what becomes of a
// member of it, or of its disk, moves no address.
func TestStore_OfTheCluster(t *testing.T) {
	s := newStoreSite(t)
	for _, n := range []*node{s.w, s.a} {
		n.run(n.command())
	}
	s.within("it waits for all", func() error {
		c, err := s.a.store()
		if err == nil && (c.Majority || !strings.Contains(fmt.Sprint(c.Members), "not yet: b")) {
			err = fmt.Errorf("%+v", c)
		}
		return err
	})
	s.answers(vip, "")
	s.b.run(s.b.command())
	s.whole()
	var holder, other *node
	s.within("one holds", func() error {
		for i, n := range []*node{s.a, s.b} {
			if g, err := n.group("web"); err == nil && g.State == "active" {
				holder, other = n, []*node{s.b, s.a}[i]
				return nil
			}
		}
		return errNotYet
	})
	s.answers(vip, holder.name)
	s.ordinary(holder)

	quiet := func(what string, do func()) {
		t.Helper()
		s.renewed(holder)
		before := holder.transitions("web")
		do()
		s.answers(vip, holder.name)
		if now := holder.transitions("web"); now != before {
			t.Errorf("%s moved the address", what)
		}
		s.whole()
	}
	quiet("the death of the store's leader", func() {
		n := s.leader()
		begun := time.Now()
		s.must(unix.Kill(n.member(), unix.SIGKILL))
		n.said(begun, "HF2140", "signal: killed")
	})
	quiet("a leader that stands still", func() {
		n := s.leader()
		pid := n.member()
		s.must(unix.Kill(pid, unix.SIGSTOP))
		s.within("another one leads", func() error {
			c, err := s.a.store()
			if err == nil && (!c.Majority || c.Leader == n.name) {
				err = fmt.Errorf("%+v", c)
			}
			return err
		})
		s.must(unix.Kill(pid, unix.SIGCONT))
	})
	quiet("a restart of the witness", func() {
		s.w.end()
		s.w.run(s.w.command())
	})
	quiet("the loss of a member's data", func() {
		s.w.end()
		s.must(os.RemoveAll(filepath.Join(s.w.state(), "store")))
		s.w.run(s.w.command())
		s.within("it asks to be replaced", func() error {
			c, err := s.a.store()
			if err == nil && !strings.Contains(fmt.Sprint(c.Members), "cluster replace w") {
				err = fmt.Errorf("%+v", c)
			}
			return err
		})
		if got := s.a.ends(exec.Command(binary.path, "cluster", "replace", "w", "-c", s.a.file())); got.code != 0 {
			t.Fatalf("replace: %+v", got)
		}
	})

	// Without a majority the hold ends in time, and not before it is back.
	other.end()
	s.w.end()
	s.answers(vip, "")
	for _, n := range []*node{other, s.w} {
		n.run(n.command())
	}
	s.within("it is held again", func() error {
		for _, n := range []*node{s.a, s.b} {
			if g, err := n.group("web"); err == nil && g.State == "active" {
				return nil
			}
		}
		return errors.New("by nobody")
	})
	s.whole()
	for _, n := range s.all {
		n.end()
	}
	for _, n := range s.all {
		if left := n.host.Processes(); len(left) > 0 {
			t.Errorf("%s: left behind: %v", n.name, left)
		}
		n.clean()
	}
}

// ordinary looks at what a member's process is: in the ordinary scheduling
// class, with no memory locked, without a privilege.
func (s *storeSite) ordinary(n *node) {
	s.t.Helper()
	pid := n.member()
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	s.must(err)
	for _, task := range tasks {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/stat", pid, task.Name()))
		if err != nil {
			continue // the thread has ended
		}
		_, rest, _ := strings.Cut(string(stat), ") ")
		if f := strings.Fields(rest); f[38] != "0" { // policy, proc_pid_stat(5)
			s.t.Errorf("a thread of the member has scheduling policy %s", f[38])
		}
	}
	status := read(s.t, fmt.Sprintf("/proc/%d/status", pid))
	for _, want := range []string{"VmLck:\t       0 kB", "CapInh:\t0000000000000000", "CapAmb:\t0000000000000000", "NoNewPrivs:\t1"} {
		if !strings.Contains(status, want) {
			s.t.Errorf("the member's process has not %q:\n%s", want, status)
		}
	}
}
