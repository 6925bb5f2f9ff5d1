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

	"golang.org/x/sys/unix"
)

func TestDemo_LeavesNothingBehind(t *testing.T) {
	copied := func(r *runner) int { // the copy is the only child of the demo
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
	demo := func(r *runner) int { return r.cmd.Process.Pid }
	for _, c := range []struct {
		name   string
		signal unix.Signal
		to     func(*runner) int
		says   string
	}{
		{"Ctrl-C", unix.SIGINT, demo, "it was stopped"},
		{"terminated", unix.SIGTERM, demo, "it was stopped"},
		{"terminal closed", unix.SIGHUP, demo, "it was stopped"},
		{"killed", unix.SIGKILL, demo, ""},
		{"copy killed", unix.SIGKILL, copied, "signal: killed"},
		{"copy panics", unix.SIGQUIT, copied, "exit status 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRunner(t)
			r.started(t)
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
