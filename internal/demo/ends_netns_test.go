package demo

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// moment waits until a demo has come so far.
type moment func(t *testing.T, r *runner)

// running is when so many of the demo's processes run: itself, the copy, the
// daemons.
func running(n int) moment {
	return func(t *testing.T, r *runner) {
		t.Helper()
		r.until(t, fmt.Sprintf("%d processes", n), func() bool { return len(r.processes()) >= n })
	}
}

// saying is when the screen has shown a text.
func saying(text string) moment {
	return func(t *testing.T, r *runner) {
		t.Helper()
		r.until(t, text, func() bool { return strings.Contains(r.out.String(), text) })
	}
}

func TestDemo_LeavesNothingBehind(t *testing.T) {
	demo := func(r *runner) int { return r.cmd.Process.Pid }
	group := func(r *runner) int { return -r.cmd.Process.Pid } // what a terminal's Ctrl-C goes to
	atOnce := moment(func(*testing.T, *runner) {})
	for _, c := range []struct {
		name   string
		when   moment
		signal unix.Signal
		to     func(*runner) int
		says   string
	}{
		{"Ctrl-C at once", atOnce, unix.SIGINT, group, ""},
		{"Ctrl-C while the lab is built", running(2), unix.SIGINT, group, ""},
		{"Ctrl-C with the first daemon", running(3), unix.SIGINT, group, "it was stopped"},
		{"Ctrl-C with all daemons", running(5), unix.SIGINT, group, "it was stopped"},
		{"Ctrl-C in a handover", saying("1  A planned handover"), unix.SIGINT, group, "it was stopped"},
		{"Ctrl-C when a machine is dead", saying("2  The holder's machine dies"), unix.SIGINT, group, "it was stopped"},
		{"interrupted", running(5), unix.SIGINT, demo, "it was stopped"},
		{"terminated", running(5), unix.SIGTERM, demo, "it was stopped"},
		{"terminal closed", running(5), unix.SIGHUP, demo, "it was stopped"},
		{"killed while the lab is built", running(2), unix.SIGKILL, demo, ""},
		{"killed", running(5), unix.SIGKILL, demo, ""},
		{"killed in a handover", saying("1  A planned handover"), unix.SIGKILL, demo, ""},
		{"copy killed", running(5), unix.SIGKILL, copied, "signal: killed"},
		{"copy panics", running(5), unix.SIGQUIT, copied, "exit status 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRunner(t)
			r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			if err := r.cmd.Start(); err != nil {
				t.Fatal(err)
			}
			c.when(t, r)
			pid := c.to(r)
			if pid == 0 {
				t.Fatal("no copy runs")
			}
			if err := unix.Kill(pid, c.signal); err != nil {
				t.Fatal(err)
			}
			var exit *exec.ExitError
			if err := r.cmd.Wait(); !errors.As(err, &exit) {
				t.Errorf("the demo ended with %v, want a failure", err)
			}
			r.leavesNothing(t)
			if !strings.Contains(r.err.String(), c.says) {
				t.Errorf("it says %q, want %q in it", r.err, c.says)
			}
		})
	}
}

// copied is the demo's copy, its only child; 0 when there is none.
func copied(r *runner) int {
	all, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", r.cmd.Process.Pid))
	for _, file := range all {
		var pid int
		children, _ := os.ReadFile(file)
		if _, err := fmt.Sscan(string(children), &pid); err == nil {
			return pid
		}
	}
	return 0
}

// With SIGKILL to all of its processes at once, nobody is left to remove the
// directory: the next demo does it, when it is old enough not to be new.
func TestDemo_KilledAltogether(t *testing.T) {
	r := newRunner(t)
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	running(5)(t, r)
	if err := unix.Kill(-r.cmd.Process.Pid, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = r.cmd.Wait() // killed
	r.until(t, "the end of all processes", func() bool { return len(r.processes()) == 0 })
	sweep(r.tmp, time.Now().Add(2*grace))
	r.leavesNothing(t)
}

func TestDemo_SaysWhatADaemonSaid(t *testing.T) {
	r := newRunner(t)
	r.cmd.Env = append(r.cmd.Env, brokenVariable+"=1")
	if err := r.cmd.Run(); err == nil {
		t.Error("a demo with broken daemons went well")
	}
	if !strings.Contains(r.err.String(), "broken on purpose") {
		t.Errorf("it does not say what the daemon said:\n%s", r.err)
	}
	r.leavesNothing(t)
}

func TestDemo_SaysWhyItCannotRun(t *testing.T) {
	r := newRunner(t)
	// A user namespace of its own, in which the demo's process forbids
	// further network namespaces.
	r.cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1}},
	}
	r.cmd.Env = append(r.cmd.Env, forbidVariable+"=1")
	if err := r.cmd.Run(); err == nil {
		t.Error("a demo went well where it has no namespaces")
	}
	for _, want := range []string{"cannot build the demo's lab", "no space left", "hint: ", "user.max_net_namespaces"} {
		if !strings.Contains(r.err.String(), want) {
			t.Errorf("it says %q, want %q in it", r.err, want)
		}
	}
	r.leavesNothing(t)
}
