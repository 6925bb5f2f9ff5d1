package program

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// alive says whether a process exists and is no zombie.
func alive(pid int) bool {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
	return fields[0] != "Z"
}

func poll(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// numbers reads the pids that a program wrote to a file, one a line.
func numbers(t *testing.T, file string, n int) []int {
	t.Helper()
	var pids []int
	poll(t, "the program has started its children", func() bool {
		data, _ := os.ReadFile(file)
		pids = pids[:0]
		for line := range strings.Lines(string(data)) {
			pid, err := strconv.Atoi(strings.TrimSpace(line))
			if err != nil || !strings.HasSuffix(line, "\n") {
				return false
			}
			pids = append(pids, pid)
		}
		return len(pids) == n
	})
	return pids
}

func TestKill_EndsEverything(t *testing.T) {
	for _, tt := range []struct {
		name, script string
		children     int
	}{
		{"alone", "echo $$ >>$F; exec sleep 300", 1},
		{"with a child", "echo $$ >>$F; sleep 300 & echo $! >>$F; wait", 2},
		{"deaf to SIGTERM", "trap '' TERM; echo $$ >>$F; sleep 300 & echo $! >>$F; wait; wait", 2},
		{"a child that is deaf", "(trap '' TERM; sh -c 'echo $$ >>$F; sleep 300; :'; :) & wait", 1},
		{"forked twice", "echo $$ >>$F; (sh -c 'echo $$ >>$F; exec sleep 300' &); sleep 300", 2},
		{"forked twice, in a session of its own", "echo $$ >>$F; (setsid sh -c 'trap \"\" TERM; echo $$ >>$F; sleep 300; :' &); sleep 300", 2},
		{"stopped", "echo $$ >>$F; kill -STOP $$", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "pids")
			p := Start(Command{Argv: []string{"/bin/sh", "-c", tt.script}, Env: append(os.Environ(), "F="+file), Grace: 100 * time.Millisecond})
			pids := numbers(t, file, tt.children)
			p.Kill()
			p.Kill()
			select {
			case <-p.Done:
			case <-time.After(20 * time.Second):
				t.Fatal("it does not end")
			}
			if p.Outcome().Failure() == nil {
				t.Error("it is said to have ended well")
			}
			for _, pid := range pids {
				poll(t, "all are dead", func() bool { return !alive(pid) })
			}
		})
	}
}

// What a program leaves behind when it ends by itself is its own affair.
func TestStart_LeavesTheBackgroundAlone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pids")
	got := run(t, Command{Argv: []string{"/bin/sh", "-c", "sleep 300 & echo $! >>$F"}, Env: append(os.Environ(), "F="+file)})
	pid := numbers(t, file, 1)[0]
	if got.Failure() != nil || !alive(pid) {
		t.Errorf("%+v; its child is alive: %t", got, alive(pid))
	}
	must(t, syscall.Kill(pid, syscall.SIGKILL))
}

func TestOutcome(t *testing.T) {
	for _, tt := range []struct {
		name, script  string
		status        int
		signal        syscall.Signal
		first, output string
	}{
		{"fine", "echo one; echo two >&2", 0, 0, "one", ""},
		{"status", "echo bad >&2; exit 255", 255, 0, "", "bad"},
		{"signal", "kill -SEGV $$", -1, syscall.SIGSEGV, "", ""},
		{"errors do not spoil the first line", "echo noise >&2; echo OK - fine; echo more", 0, 0, "OK - fine", ""},
		{"no line end", "printf half", 0, 0, "half", "half"},
		{"a long line", "printf '%05000d' 7", 0, 0, strings.Repeat("0", headBytes), strings.Repeat("0", tailBytes-1) + "7"},
		{"not text", `printf '\377\000a\033[2J\r\n'`, 0, 0, "a[2J", "a[2J"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := run(t, Command{Argv: []string{"/bin/sh", "-c", tt.script}, Keep: 1})
			if got.Status != tt.status || got.Signal != tt.signal || got.First != tt.first || tt.output != "" && got.Output != tt.output {
				t.Errorf("%+v", got)
			}
		})
	}
}

// What a program says on both of its outputs stays in order where nobody wants
// one of them by itself.
func TestOutcome_KeepsTheOrder(t *testing.T) {
	got := run(t, Command{Argv: []string{"/bin/sh", "-c", "for i in 1 2; do echo out $i; echo err $i >&2; done"}})
	if want := "out 1 | err 1 | out 2 | err 2"; got.Output != want {
		t.Errorf("it said %q, want %q", got.Output, want)
	}
}

// A program that never stops talking is ended, and soon.
func TestStart_EndsOneThatFloods(t *testing.T) {
	got := run(t, Command{Argv: []string{"/bin/sh", "-c", "trap '' TERM; while :; do echo 0123456789012345678901234567890123456789; done"}, Limit: 1 << 16, Grace: 10 * time.Millisecond})
	if !got.Flooded || got.Failure() == nil {
		t.Errorf("%+v", got)
	}
}

func TestStart_NoSuchProgram(t *testing.T) {
	got := run(t, Command{Argv: []string{"/bin/shh"}})
	if got.Started() || got.Failure().Error() == "" || got.Status != -1 {
		t.Errorf("%+v", got)
	}
}
