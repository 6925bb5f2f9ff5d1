package daemon_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A new program that hangs before it is ready, and one that is stopped when it
// is handed everything, are given up for the old one.
func TestUpgrade_Hangs(t *testing.T) {
	s := newSite(t)
	program := s.copied()
	s.a.startToUpgrade(program, s.a.one(200))
	s.a.becomes("web", "active")
	pid, before := s.a.proc.PID(), s.a.transitions("web")
	begun := time.Now()
	s.script(program, "exec sleep 100")
	if r := s.a.cli("upgrade"); r.code == 0 || !strings.Contains(r.err, "not ready within") {
		t.Errorf("%+v", r)
	}
	if all := s.a.host.Processes(); len(all) != 2 || !slices.Contains(all, pid) { // with its guardian
		t.Errorf("processes %v", all)
	}
	if n := s.a.transitions("web"); n != before {
		t.Errorf("%d transitions, and there were %d", n, before)
	}
	s.late(51, begun, interval)
	s.a.said(begun, "HF2131", "not ready within")
	s.a.finish()
	s.a.clean()
}

// script puts a program of a few lines in the place of the daemon's.
func (s *site) script(path string, lines ...string) {
	s.t.Helper()
	s.must(os.WriteFile(path+".new", []byte("#!/bin/sh\n"+strings.Join(lines, "\n")+"\n"), 0o755))
	s.must(os.Rename(path+".new", path))
}

// A new program that is handed everything and does not say in time that it goes
// on is killed before any hold has ended, and the old one goes on.
func TestUpgrade_HangsWhenItIsHandedEverything(t *testing.T) {
	s := newSite(t)
	program := s.copied()
	s.a.startToUpgrade(program, s.a.one(200))
	s.a.becomes("web", "active")
	s.b.startToUpgrade(program, s.b.one(100))
	s.b.becomes("web", "backup")
	pid, a, b := s.a.proc.PID(), s.a.transitions("web"), s.b.transitions("web")
	begun := time.Now()
	s.script(program, "read -r x <&3", `echo '{"Ready":true}' >&3`, "exec sleep 100")
	for range 3 {
		if r := s.a.cli("upgrade"); r.code == 0 || !strings.Contains(r.err, "taking over within") {
			t.Errorf("%+v", r)
		}
		time.Sleep(2 * interval)
	}
	if all := s.a.daemons(); len(all) != 1 || all[0] != pid {
		t.Errorf("daemons %v, and there was %d", all, pid)
	}
	if x, y := s.a.transitions("web"), s.b.transitions("web"); x != a || y != b {
		t.Errorf("%d and %d transitions, and there were %d and %d", x, y, a, b)
	}
	s.install(program)
	if r := s.a.cli("upgrade"); r.code != 0 {
		t.Errorf("%+v", r)
	}
	s.gone(pid)
	s.late(51, begun, interval)
	for _, n := range []*node{s.b, s.a} {
		n.finish()
	}
	for _, n := range []*node{s.a, s.b} {
		n.clean()
	}
}

// A new program that says that it goes on, and ends: the old one may not go on
// either, and its guardian sees to the rest.
func TestUpgrade_TakesOverAndEnds(t *testing.T) {
	s := newSite(t)
	program := s.copied()
	s.a.startToUpgrade(program, s.a.one(200))
	s.a.becomes("web", "active")
	s.b.startToUpgrade(program, s.b.one(100))
	s.b.becomes("web", "backup")
	pid, begun := s.a.proc.PID(), time.Now()
	s.script(program, "[ -n \"$HOLDFAST_HEIR\" ] || exit 1", // the guardian tries it, too
		"read -r x <&3", `echo '{"Ready":true}' >&3`, "read -r x <&3", `echo '{"Taken":true}' >&3`, "exit 1")
	if r := s.a.cli("upgrade"); r.code == 0 {
		t.Errorf("%+v", r)
	}
	s.gone(pid)
	s.farewell(51, begun)
	s.b.becomes("web", "active")
	s.answers(vip, "b")
	s.answers(vip6, "b")
	s.install(program)
	s.a.becomes("web", "active") // its guardian starts it again
	s.b.becomes("web", "backup")
	s.answers(vip, "a")
	for _, n := range []*node{s.b, s.a} {
		n.finish()
	}
	for _, n := range []*node{s.a, s.b} {
		n.clean()
	}
}

// one is a file with one group.
func (n *node) one(priority int) string {
	return fmt.Sprintf("node: %s\nstate: %s\ncontrol: {socket: %s}\ngroups:\n%s", n.name, n.state(), n.socket(), web(priority))
}

// The old process is killed at any time during an upgrade. Before the change
// its guardian does what it always does; after it the new process goes on. In
// the end one node holds, and nothing is left of the processes that are gone.
func TestUpgrade_Killed(t *testing.T) {
	s := newSite(t)
	program := s.copied()
	s.a.startToUpgrade(program, s.a.one(200))
	s.a.becomes("web", "active")
	s.b.startToUpgrade(program, s.b.one(100))
	s.b.becomes("web", "backup")
	for i, after := range []time.Duration{30, 90, 130, 200, 300, 450} {
		pid := s.a.daemons()[0]
		ended := make(chan answer, 1)
		go func() { ended <- s.a.cli("upgrade") }()
		time.Sleep(after * time.Millisecond)
		err := unix.Kill(pid, unix.SIGKILL)
		r := <-ended
		t.Logf("%d: killed after %s (%v), the command ended with %d", i, after*time.Millisecond, err, r.code)
		s.within("there is one daemon on a, and it holds", func() error {
			all := s.a.daemons()
			if len(all) != 1 || all[0] == pid {
				return fmt.Errorf("daemons %v, and %d was killed", all, pid)
			}
			g, err := s.a.group("web")
			if err != nil {
				return err
			}
			if o, err := s.b.group("web"); err != nil || g.State != "active" || g.Leaving || o.State != "backup" || o.Leaving {
				return fmt.Errorf("a is %s, b is %s, %v", g.State, o.State, err)
			}
			if st, err := s.a.status(); err != nil || !st.Guardian.On {
				return errors.Join(errors.New("it has no guardian"), err)
			}
			return nil
		})
		t.Logf("   %d upgrades so far", s.a.told("HF2130", "what it held was taken over"))
		s.answers(vip, "a")
		s.answers(vip6, "a")
	}
	for _, n := range []*node{s.b, s.a} {
		n.finish()
	}
	for _, n := range []*node{s.a, s.b} {
		if len(n.host.Processes()) > 0 {
			s.within("nothing runs on "+n.name, func() error {
				if all := n.host.Processes(); len(all) > 0 {
					return fmt.Errorf("%v", all)
				}
				return nil
			})
		}
	}
}

// The new process becomes the main one of its service, and feeds its watchdog.
func TestUpgrade_Notifies(t *testing.T) {
	s := newSite(t)
	m := s.manager()
	program := s.copied()
	s.a.startToUpgrade(program, s.a.one(200), "NOTIFY_SOCKET="+m.path, "WATCHDOG_USEC=400000")
	s.a.becomes("web", "active")
	pid := s.a.proc.PID()
	at := s.hears(m, 0, "READY=1")
	for range 2 {
		if r := s.a.cli("upgrade"); r.code != 0 {
			t.Fatalf("%+v", r)
		}
		next := s.a.successor(pid)
		at = s.hears(m, at, fmt.Sprintf("MAINPID=%d", next))
		at = s.hears(m, at, "READY=1")
		s.gone(pid)
		for range 3 {
			at = s.hears(m, at, "WATCHDOG=1")
		}
		pid = next
	}
	s.a.finish()
	s.hears(m, at, "STOPPING=1")
	s.a.clean()
}

// A guarded holder of a cluster of two is upgraded while the other node is
// away: it goes on with the promises that it has, of itself and the witness.
// Without them it would have to abstain, and let go.
func TestUpgrade_Guarded(t *testing.T) {
	s := newSite(t)
	program := s.copied()
	w := s.add("w", 3)
	secret := filepath.Join(s.dir, "key")
	s.must(os.WriteFile(secret, []byte(strings.Repeat("0f", 16)), 0o600))
	w.startToUpgrade(program, fmt.Sprintf("node: w\nstate: %s\ncontrol: {socket: %s}\nwitness: {key: {file: %s}}\n", w.state(), w.socket(), secret))
	file := fmt.Sprintf(`node: a
state: %s
control: {socket: %s}
cluster:
  key: {file: %s}
  nodes: {a: 192.0.2.1, b: 192.0.2.2}
  witnesses: {w: 192.0.2.3}
groups:
%s`, s.a.state(), s.a.socket(), secret, web(200))
	s.a.startToUpgrade(program, file)
	s.a.becomesWithin("web", "active", time.Minute+30*time.Second) // the witness abstains at first
	before, begun, pid := s.a.transitions("web"), time.Now(), s.a.proc.PID()
	for range 5 {
		if r := s.a.cli("upgrade"); r.code != 0 {
			t.Fatalf("%+v", r)
		}
		next := s.a.successor(pid)
		s.gone(pid)
		pid = next
		s.within("the next one can be asked", func() error { _, err := s.a.status(); return err })
		time.Sleep(2 * time.Second) // three terms: what was promised before is over
	}
	if n := s.a.transitions("web"); n != before {
		t.Errorf("%d transitions, and there were %d", n, before)
	}
	s.late(51, begun, interval)
	s.a.finish()
	w.finish()
	s.a.clean()
}

// told counts the events with a code and words.
func (n *node) told(code, words string) (times int) {
	for _, e := range n.events() {
		if e.Code == code && strings.Contains(e.Reason, words) {
			times++
		}
	}
	return times
}

func (n *node) becomesWithin(name, state string, bound time.Duration) {
	n.s.t.Helper()
	for end := time.Now().Add(bound); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if g, err := n.group(name); err == nil && g.State == state {
			return
		}
	}
	n.becomes(name, state)
}

// The main process of a service was killed in the middle of an upgrade, and the
// service manager has not heard of the one that goes on. It starts another one,
// which tells it, and ends: nothing moves.
func TestUpgrade_TheManagerHasNotHeard(t *testing.T) {
	s := newSite(t)
	m := s.manager()
	program := s.copied()
	env := []string{"NOTIFY_SOCKET=" + m.path, "WATCHDOG_USEC=400000"}
	s.a.startToUpgrade(program, s.a.one(200), env...)
	s.a.becomes("web", "active")
	s.b.start(web(100))
	s.b.becomes("web", "backup")
	pid := s.a.proc.PID()
	if r := s.a.cli("upgrade"); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	next := s.a.successor(pid)
	s.gone(pid)
	s.a.becomes("web", "active") // it can be asked
	begun, before, at := time.Now(), s.a.transitions("web"), len(m.all())
	cmd := s.a.command()
	cmd.Env = append(os.Environ(), env...)
	if r := s.a.ends(cmd); r.code != 0 {
		t.Errorf("%+v", r)
	}
	s.hears(m, at, fmt.Sprintf("MAINPID=%d", next))
	s.hears(m, at, "READY=1")
	if all := s.a.daemons(); len(all) != 1 || all[0] != next {
		t.Errorf("daemons %v, and there was %d", all, next)
	}
	if n := s.a.transitions("web"); n != before {
		t.Errorf("%d transitions, and there were %d", n, before)
	}
	s.within("adverts go on", func() error {
		if len(s.adverts(51, begun)) < 10 {
			return errNotYet
		}
		return nil
	})
	s.late(51, begun, interval)

	// By hand, without a manager, it is a mistake.
	if r := s.a.ends(s.a.command()); r.code == 0 {
		t.Errorf("a second daemon: %+v", r)
	}
	s.a.finish()
	s.over()
}
