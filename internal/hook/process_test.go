package hook

import (
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-net/holdfast/internal/api"
)

// shell runs a script as a group's program and returns what the journal got.
func shell(t *testing.T, o Options, ev Event, script string) api.Event {
	t.Helper()
	out := make(chan api.Event, 10)
	o.Record = func(ev api.Event) { out <- ev }
	r := New(o)
	defer r.Close()
	ev.Group = "web"
	ev.Run = []string{"/bin/sh", "-c", script}
	r.Submit(ev)
	select {
	case got := <-out:
		return got
	case <-time.After(20 * time.Second):
		t.Fatal("the program did not end")
		panic("unreachable")
	}
}

func TestProcess_EndsAreTold(t *testing.T) {
	for _, tt := range []struct {
		name, script string
		code, want   string
	}{
		{"fine", "echo not shown", CodeRan, "ran for "},
		{"exit status", "echo to stdout; echo to stderr >&2; exit 3", CodeFailed, "exit status 3; it said: to stdout | to stderr"},
		{"signal", "kill -9 $$", CodeFailed, "signal: killed"},
		{"much output", "i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done; exit 1", CodeFailed, "it said: line 1995 | line 1996 | line 1997 | line 1998 | line 1999"},
		{"terminal tricks", `printf 'a\033[2Jb\r\n\n'; exit 1`, CodeFailed, "it said: a[2Jb"},
		{"something left in the background", "sleep 300 & echo $! >$PIDFILE", CodeRan, "ran for "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			pidfile := filepath.Join(t.TempDir(), "pid")
			begin := time.Now()
			got := shell(t, Options{Environ: append(os.Environ(), "PIDFILE="+pidfile)}, Event{State: "active"}, tt.script)
			if got.Code != tt.code || !strings.Contains(got.Reason, tt.want) || got.Kind != "hook" || got.Group != "web" || got.To != "active" {
				t.Errorf("%+v", got)
			}
			if d := time.Since(begin); d > 15*time.Second {
				t.Errorf("it took %s", d)
			}
			if data, err := os.ReadFile(pidfile); err == nil {
				pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
				if err != nil {
					t.Fatal(err)
				}
				if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
					t.Errorf("what was left in the background on purpose is gone: %v", err)
				}
			}
		})
	}
}

func TestProcess_CannotBeStarted(t *testing.T) {
	out := make(chan api.Event, 1)
	r := New(Options{Record: func(ev api.Event) { out <- ev }})
	defer r.Close()
	r.Submit(Event{Group: "web", State: "active", Run: []string{"/no/such/program"}})
	if got := <-out; got.Code != CodeFailed || !strings.Contains(got.Reason, "no such file or directory") {
		t.Errorf("%+v", got)
	}
}

func TestProcess_TimeoutEndsTheWholeGroup(t *testing.T) {
	for _, tt := range []struct{ name, script string }{
		{"that listens to SIGTERM", "sleep 300 & echo $! >$PIDFILE; wait"},
		{"that does not", "trap '' TERM; sleep 300 & echo $! >$PIDFILE; wait; wait"},
		{"whose first process does", "(trap '' TERM; sleep 300; :) & echo $! >$PIDFILE; wait"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			pidfile := filepath.Join(t.TempDir(), "pid")
			got := shell(t, Options{Environ: append(os.Environ(), "PIDFILE="+pidfile)}, Event{State: "active", Timeout: 300 * time.Millisecond}, tt.script)
			if got.Code != CodeTimeout {
				t.Errorf("%+v", got)
			}
			data, err := os.ReadFile(pidfile)
			if err != nil {
				t.Fatal(err)
			}
			pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
			if err != nil {
				t.Fatal(err)
			}
			poll(t, "the whole group is dead", func() bool { return !alive(pid) })
		})
	}
}

// alive says whether a process exists and is no zombie.
func alive(pid int) bool {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
	return fields[0] != "Z"
}

func TestProcess_Surroundings(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "out")
	start := func(cmd *exec.Cmd) error {
		cmd.Env = append(cmd.Env, "STARTED=otherwise")
		return cmd.Start()
	}
	base := []string{"PATH=" + os.Getenv("PATH"), "NOTIFY_SOCKET=/run/x", "WATCHDOG_USEC=1", "HOLDFAST_STATE=forged", "OUT=" + file}
	got := shell(t, Options{Environ: base, Start: start}, Event{
		State: "active", From: "backup", Reason: "no advert;\x00 $(reboot)", Interface: "eth0", Node: "lb1",
		Addresses: []netip.Prefix{netip.MustParsePrefix("192.0.2.10/24"), netip.MustParsePrefix("2001:db8::10/64")},
	}, `{ env; echo "stdin=$(cat)"; echo "pgid=$(ps -o pgid= -p $$ 2>/dev/null || cut -d' ' -f5 /proc/$$/stat)" | tr -d ' '; echo "pid=$$"; } >$OUT`)
	if got.Code != CodeRan {
		t.Fatalf("%+v", got)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{}
	for line := range strings.Lines(string(data)) {
		k, v, _ := strings.Cut(strings.TrimSpace(line), "=")
		env[k] = v
	}
	if env["pid"] == "" || env["pgid"] != env["pid"] {
		t.Errorf("process group %q of process %q", env["pgid"], env["pid"])
	}
	for _, k := range []string{"PATH", "OUT", "SHLVL", "_", "OLDPWD", "pid", "pgid", "HOLDFAST_RUN"} {
		delete(env, k)
	}
	want := map[string]string{
		"HOLDFAST_GROUP": "web", "HOLDFAST_STATE": "active", "HOLDFAST_FROM": "backup",
		"HOLDFAST_REASON": "no advert; $(reboot)", "HOLDFAST_ADDRESSES": "192.0.2.10/24 2001:db8::10/64",
		"HOLDFAST_INTERFACE": "eth0", "HOLDFAST_NODE": "lb1", "PWD": "/", "STARTED": "otherwise", "stdin": "",
	}
	if diff := cmp.Diff(want, env); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
