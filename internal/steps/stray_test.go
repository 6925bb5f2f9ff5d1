package steps

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/order"
)

// victim is the state directory of a process that only takes a group's steps,
// and is killed over it.
const victim = "HOLDFAST_TEST_VICTIM"

func strayGroup(dir string) config.Group {
	// What the step starts has a session of its own, and neither the step's
	// process group nor its output.
	work := "setsid sh -c 'echo $$ >" + dir + "/pid.new; mv " + dir + "/pid.new " + dir + "/pid; exec sleep 300' >/dev/null 2>&1 & "
	undo := "grep -q sleep /proc/$(cat " + dir + "/pid)/cmdline && echo alive >" + dir + "/undone || echo dead >" + dir + "/undone"
	return group(config.Step{Exec: []string{"/bin/sh", "-c", work + "wait"}, Undo: []string{"/bin/sh", "-c", undo}})
}

func TestVictim(t *testing.T) {
	dir := os.Getenv(victim)
	if dir == "" {
		t.Skip("the process that TestRunner_KillsWhatADeadDaemonRuns starts")
	}
	x := newRig(t, dir+"/books", strayGroup(dir), Options{})
	x.step(order.Take("fun", 0))
	x.wait(func() bool { return false })
}

// What a step has started outlives the daemon that is killed, and does not
// outlive the beginning of the next one: it is gone before the step is undone.
func TestRunner_KillsWhatADeadDaemonRuns(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestVictim$")
	cmd.Env = append(os.Environ(), victim+"="+dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	for begun := time.Now(); read(t, dir+"/pid") == ""; time.Sleep(5 * time.Millisecond) {
		if time.Since(begun) > time.Minute {
			t.Fatal("the step has not begun")
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	pid, err := strconv.Atoi(strings.TrimSpace(read(t, dir+"/pid")))
	if err != nil || !runs(pid) {
		t.Fatalf("what the step has started does not outlive the daemon (%d, %v): nothing is tested", pid, err)
	}

	x := newRig(t, dir+"/books", strayGroup(dir), Options{})
	x.leave()
	if got := read(t, dir+"/undone"); got != "dead\n" {
		t.Errorf("when the step was undone its process was %q", got)
	}
	x.close()
	if left, err := filepath.Glob(dir + "/books/*" + running); err != nil || len(left) > 0 {
		t.Errorf("left: %q, %v", left, err)
	}
}

// runs tells whether a process does, and is no zombie.
func runs(pid int) bool {
	f, err := os.Open("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return false
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if state, ok := strings.CutPrefix(s.Text(), "State:"); ok {
			return !strings.HasPrefix(strings.TrimSpace(state), "Z")
		}
	}
	return false
}

// What a step leaves in the background on purpose is left alone: by the end of
// the step, and by the next daemon.
func TestRunner_LeavesAServiceAlone(t *testing.T) {
	dir := t.TempDir()
	serve := "setsid sleep 300 >/dev/null 2>&1 & echo $! >" + dir + "/pid"
	x := newRig(t, dir+"/books", group(config.Step{Exec: []string{"/bin/sh", "-c", serve}, Undo: []string{"/bin/true"}}), Options{})
	x.take()
	pid, err := strconv.Atoi(strings.TrimSpace(read(t, dir+"/pid")))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if p, err := os.FindProcess(pid); err == nil {
			_ = p.Kill()
		}
	}()
	next := New(Options{Dir: dir + "/books"})
	if err := next.Sweep(t.Context(), func(_, text string) { t.Error(text) }); err != nil {
		t.Error(err)
	}
	if !runs(pid) {
		t.Error("it was killed")
	}
}

// What does not end keeps the group from being undone, and says which process
// it is.
func TestStray_ThatDoesNotEnd(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "web.17-abc-1"+running), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r := New(Options{Dir: dir})
	all, err := r.strays("web")
	if err != nil || len(all) != 1 || all[0].mark != "17-abc-1" {
		t.Fatalf("%+v, %v", all, err)
	}
	if other, err := r.strays("other"); err != nil || len(other) > 0 {
		t.Errorf("of another group: %+v, %v", other, err)
	}
	// The process is found again and again, as one in a system call is.
	cmd := exec.Command("/bin/sleep", "300")
	cmd.Env = []string{"HOLDFAST_RUN=17-abc-1"}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	killed, err := all[0].end(ctx)
	if !slices.Equal(killed, []int{cmd.Process.Pid}) || err == nil || !strings.Contains(err.Error(), "does not end") {
		t.Errorf("killed %v: %v", killed, err)
	}
	if _, err := os.Stat(all[0].path); err != nil {
		t.Errorf("what does not end is forgotten: %v", err)
	}
}

// What runs is known with its process.
func TestRunner_TellsWhatRuns(t *testing.T) {
	dir := t.TempDir()
	slow := script(t, dir, "slow", `echo $$ >`+dir+`/pid.new; mv `+dir+`/pid.new `+dir+`/pid; sleep 300`)
	x := newRig(t, dir, group(config.Step{Exec: []string{slow}, Undo: []string{"/bin/true"}}), Options{})
	x.step(order.Take("fun", 0))
	x.wait(func() bool {
		if read(t, dir+"/pid") != "" {
			return true
		}
		x.events <- order.Tick()
		time.Sleep(5 * time.Millisecond)
		return false
	})
	running := x.r.Running()
	if len(running) != 1 || running[0].Group != "web" || strconv.Itoa(running[0].PID) != strings.TrimSpace(read(t, dir+"/pid")) || running[0].Step != "exec "+slow {
		t.Errorf("%+v", running)
	}
	x.leave()
	if running := x.r.Running(); len(running) > 0 {
		t.Errorf("at the end: %+v", running)
	}
}
