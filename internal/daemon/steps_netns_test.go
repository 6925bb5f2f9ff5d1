package daemon_test

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/api"
)

// diary is what the steps of a test's group write: one line for each thing that
// one of them did.
type diary struct {
	s    *site
	path string
}

func (s *site) diary() *diary { return &diary{s, filepath.Join(s.dir, "diary")} }

// steps are two steps of a group, in the words of the file: each tells the diary
// that it was done or undone, where, and for which epoch. Further shell commands
// belong to the second one: before it is done, and before it is undone.
func (d *diary) steps(take, leave string) string {
	line := func(what string) string {
		return fmt.Sprintf("echo $HOLDFAST_NODE %s $HOLDFAST_ROLE >>%s", what, d.path)
	}
	step := func(name, take, leave string) string {
		return fmt.Sprintf("      - {exec: [/bin/sh, -c, '%s'], undo: [/bin/sh, -c, '%s'], timeout: 5s}\n", take+line("does "+name), leave+line("undoes "+name))
	}
	return "    steps:\n" + step("disk", "", "") + step("service", take, leave)
}

func (d *diary) lines() []string {
	text, err := os.ReadFile(d.path)
	if err != nil && !os.IsNotExist(err) {
		d.s.t.Fatal(err)
	}
	return strings.FieldsFunc(string(text), func(r rune) bool { return r == '\n' })
}

// says waits until the diary has these lines and no others.
func (d *diary) says(want ...string) {
	d.s.t.Helper()
	d.s.within("the diary", func() error {
		if got := d.lines(); !slices.Equal(got, want) {
			return fmt.Errorf("says\n%s", strings.Join(got, "\n"))
		}
		return nil
	})
}

// What a group takes is taken before its address answers, and left before that
// of another node does: in a handover, and in an orderly end.
func TestSteps_Order(t *testing.T) {
	s := newSite(t)
	d := s.diary()
	// Whoever does the service finds out by ARP whether the address answers.
	steps := d.steps("sleep 0.3; ", "sleep 0.3; ")
	s.a.start(web(200) + steps)
	s.a.becomes("web", "active")
	s.answers(vip, "a")
	s.b.start(web(100) + steps)
	s.b.becomes("web", "backup")
	d.says("a does disk active", "a does service active")

	probe := s.probe(vip)
	began := time.Now()
	if got := s.a.cli("handover", "web"); got.code != 0 {
		t.Fatalf("handover ended with %d: %s", got.code, got.err)
	}
	s.answers(vip, "b")
	d.says("a does disk active", "a does service active",
		"a undoes service backup", "a undoes disk backup", "b does disk active", "b does service active")
	probe.Stop()
	s.a.said(began, "HF2812", "undone")
	s.b.said(began, "HF2814", "2 steps done")

	s.b.end()
	s.answers(vip, "a")
	want := d.lines()[6:]
	if !slices.Equal(want, []string{"b undoes service init", "b undoes disk init", "a does disk active", "a does service active"}) {
		t.Errorf("at the end of b: %q", want)
	}
	s.over()
}

// A step that fails is rolled back, and the node is not fit: another one takes
// over.
func TestSteps_Fail(t *testing.T) {
	s := newSite(t)
	d := s.diary()
	began := time.Now()
	s.a.start(web(200) + d.steps("echo no such database; exit 3; ", ""))
	s.a.becomes("web", "fault")
	d.says("a does disk active", "a undoes service fault", "a undoes disk fault")
	s.a.said(began, "HF2811", "no such database", "3")
	s.answers(vip, "")
	s.b.start(web(100) + d.steps("", ""))
	s.b.becomes("web", "active")
	s.answers(vip, "b")
	s.over()
}

// A daemon that is killed leaves its steps done. The next one undoes them before
// it takes part again, while the other node serves.
func TestSteps_Killed(t *testing.T) {
	s := newSite(t)
	d := s.diary()
	s.a.start(web(200) + d.steps("", ""))
	s.a.becomes("web", "active")
	s.b.start(web(100) + d.steps("", ""))
	s.b.becomes("web", "backup")
	s.must(s.a.proc.Kill())
	s.answers(vip, "b")
	d.says("a does disk active", "a does service active", "b does disk active", "b does service active")
	s.a.start(web(200) + d.steps("", ""))
	s.answers(vip, "a") // it preempts
	d.says("a does disk active", "a does service active", "b does disk active", "b does service active",
		"a undoes service init", "a undoes disk init",
		"b undoes service backup", "b undoes disk backup", "a does disk active", "a does service active")
	s.over()
}

// A step that cannot be undone keeps the node from saying that it let go: its
// hold lapses, it is not fit, and it says why, until the step is undone.
func TestSteps_Stuck(t *testing.T) {
	s := newSite(t)
	d := s.diary()
	block := filepath.Join(s.dir, "block")
	s.must(os.WriteFile(block, nil, 0o600))
	s.a.start(web(200) + d.steps("", fmt.Sprintf("[ ! -e %s ] || { echo it hangs; exit 1; }; ", block)))
	s.a.becomes("web", "active")
	s.b.start(web(100) + d.steps("", ""))
	s.b.becomes("web", "backup")
	began := time.Now()
	s.a.cli("handover", "web")
	s.a.becomes("web", "fault")
	s.a.said(began, "HF2027", "could not let go in order", "it hangs")
	s.answers(vip, "b")
	s.must(os.Remove(block))
	s.a.becomes("web", "active") // it is tried again after ten seconds, and then it preempts
	s.over()
}

// A frozen daemon's address stops answering, and another node takes over. When
// it wakes it undoes what it had taken, and takes no part before.
func TestSteps_Frozen(t *testing.T) {
	s := newSite(t)
	d := s.diary()
	s.a.start(web(100) + d.steps("", "sleep 0.5; "))
	s.a.becomes("web", "active")
	s.b.start(web(100, "preempt: false") + d.steps("", ""))
	s.b.becomes("web", "backup")
	s.must(s.a.proc.Signal(unix.SIGSTOP))
	s.answers(vip, "b")
	s.must(s.a.proc.Signal(unix.SIGCONT))
	s.a.becomes("web", "backup")
	d.says("a does disk active", "a does service active", "b does disk active", "b does service active",
		"a undoes service backup", "a undoes disk backup")
	s.over()
}

// The address answers when what was taken is ready, and not before: what a check
// saw before the steps were done does not count.
func TestSteps_Ready(t *testing.T) {
	s := newSite(t)
	d := s.diary()
	ready := filepath.Join(s.dir, "ready")
	s.must(os.WriteFile(ready, nil, 0o600))
	began := time.Now()
	// The service is ready again half a second after it was begun.
	s.a.start(web(200) + d.steps(fmt.Sprintf("rm %s; (sleep 0.5; touch %s) & ", ready, ready), "") +
		"    ready: [service]\nchecks:\n  service: {file: " + ready + ", interval: 50ms, rise: 1, fall: 1}\n")
	s.a.becomes("web", "active")
	s.answers(vip, "a")
	s.a.said(began, "HF2814", "ready: service")
	done, took := s.a.at(began, "HF2810", "step 2 of 2"), s.a.at(began, "HF2814", "ready: service")
	if wait := took.Sub(done); wait < 300*time.Millisecond {
		t.Errorf("ready %s after the last step", wait)
	}
	s.over()
}

// at is when an event was written.
func (n *node) at(since time.Time, code string, words ...string) time.Time {
	n.s.t.Helper()
	for _, e := range n.events() {
		if e.Time.After(since) && e.Code == code && hasAll(e.Reason, words) {
			return e.Time
		}
	}
	n.s.t.Errorf("%s has no event %s that says %q", n.name, code, words)
	return time.Time{}
}

// A daemon that is killed while a step runs leaves what the step has started. It
// is gone before the next daemon undoes the step.
func TestSteps_KilledOverAStep(t *testing.T) {
	s := newSite(t)
	d := s.diary()
	ticks := filepath.Join(s.dir, "ticks")
	// The step works in a session of its own: nothing ends it with the daemon.
	work := fmt.Sprintf("setsid sh -c \"while :; do echo x >>%s; sleep 0.02; done\" & wait; ", ticks)
	began := time.Now()
	s.a.start(web(200) + d.steps(work, fmt.Sprintf("wc -c <%s >%s.undone; ", ticks, ticks)))
	size := func() int64 {
		info, err := os.Stat(ticks)
		if err != nil {
			return 0
		}
		return info.Size()
	}
	s.within("the step works", func() error {
		before := size()
		time.Sleep(50 * time.Millisecond)
		if size() == before {
			return fmt.Errorf("%d ticks", before)
		}
		return nil
	})
	s.must(s.a.proc.Kill())
	s.a.start(web(200) + d.steps("", fmt.Sprintf("wc -c <%s >%s.undone; ", ticks, ticks)))
	s.a.becomes("web", "active")
	s.a.said(began, "HF2815", "still ran and was killed")
	when, err := os.ReadFile(ticks + ".undone")
	s.must(err)
	if got := strings.TrimSpace(string(when)); got != fmt.Sprint(size()) {
		t.Errorf("%s ticks when the step was undone, %d now: it worked on", got, size())
	}
	s.over()
}

// A group leaves the file while its steps cannot be undone. They are tried again
// without a restart, the status says so, and the group may come back when they
// are undone.
func TestSteps_StuckAndRemoved(t *testing.T) {
	s := newSite(t)
	d := s.diary()
	block := filepath.Join(s.dir, "block")
	s.must(os.WriteFile(block, nil, 0o600))
	held := web(200) + d.steps("", fmt.Sprintf("[ ! -e %s ] || { echo it hangs; exit 1; }; ", block))
	s.a.start(held)
	s.a.becomes("web", "active")
	s.a.write(group("dns", 52, 100, []netip.Prefix{vip2}))
	if _, got := s.a.reload(); got.code != 0 {
		t.Fatalf("reload ended with %d: %s", got.code, got.err)
	}
	warned := func() bool {
		st, err := s.a.status()
		s.must(err)
		return slices.ContainsFunc(st.Warnings, func(w api.Warning) bool {
			return w.Code == "HF2813" && w.Group == "web" && strings.Contains(w.Text, "not in the file any more")
		})
	}
	s.within("the status says that it is stuck", func() error {
		if !warned() {
			return fmt.Errorf("it does not")
		}
		return nil
	})
	s.must(os.Remove(block))
	d.says("a does disk active", "a does service active", "a undoes service init", "a undoes disk init")
	s.within("the group may come back", func() error {
		s.a.write(held)
		if _, got := s.a.reload(); got.code != 0 {
			return fmt.Errorf("%s", got.err)
		}
		return nil
	})
	s.a.becomes("web", "active")
	if warned() {
		t.Error("the warning stays")
	}
	s.over()
}
