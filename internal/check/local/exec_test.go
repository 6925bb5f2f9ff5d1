package local

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-net/holdfast/internal/check"
	"github.com/holdfast-net/holdfast/internal/program"
)

// shell is a check that runs a script.
func shell(script string, codes check.Codes) check.Exec {
	return check.Exec{Run: []string{"/bin/sh", "-c", script}, Codes: codes}
}

// try looks once, with a timeout.
func try(t *testing.T, p check.Probe, timeout time.Duration) check.Seen {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return p.Try(ctx)
}

const long = 30 * time.Second

func TestExec_Codes(t *testing.T) {
	for _, tt := range []struct {
		name, script string
		codes        check.Codes
		want         check.Seen // Text: what it has
	}{
		{"status 0", "echo all fine", check.CodesStatus, check.Seen{OK: true, Text: ": all fine"}},
		{"status 1", "echo broken; echo badly >&2; exit 1", check.CodesStatus, check.Seen{Text: "exit status 1 in "}},
		{"status 7", "exit 7", check.CodesStatus, check.Seen{Text: ", wanted exit status 0"}},
		{"a signal", "kill -KILL $$", check.CodesStatus, check.Seen{Text: "signal: killed in "}},
		{"nagios ok", "echo 'DISK OK - free 40%|/=60%;80;90'", check.CodesNagios, check.Seen{OK: true, Text: "DISK OK - free 40%"}},
		{"nagios ok without the word", "echo fine", check.CodesNagios, check.Seen{OK: true, Text: "OK: fine"}},
		{"nagios ok without words", "", check.CodesNagios, check.Seen{OK: true, Text: "OK"}},
		{"nagios warning", "echo 'load high|load=8'; exit 1", check.CodesNagios, check.Seen{OK: true, Warn: true, Text: "WARNING: load high"}},
		{"nagios warning, strict", "echo load high; exit 1", check.CodesNagiosStrict, check.Seen{Text: "WARNING: load high"}},
		{"nagios critical", "echo 'CRITICAL - down'; exit 2", check.CodesNagios, check.Seen{Text: "CRITICAL - down"}},
		{"nagios critical, on stderr only", "echo no route >&2; exit 2", check.CodesNagios, check.Seen{Text: "CRITICAL: no route"}},
		{"nagios unknown", "echo usage; exit 3", check.CodesNagios, check.Seen{Text: "UNKNOWN: usage"}},
		{"nagios broken", "exit 127", check.CodesNagios, check.Seen{Text: "UNKNOWN (exit status 127)"}},
		{"nagios killed", "kill -KILL $$", check.CodesNagios, check.Seen{Text: "UNKNOWN (signal: killed)"}},
		{"weight 0", "exit 0", check.CodesWeight, check.Seen{OK: true, Text: "exit status 0 in "}},
		{"weight 1", "exit 1", check.CodesWeight, check.Seen{Text: "exit status 1 in "}},
		{"weight 2", "exit 2", check.CodesWeight, check.Seen{OK: true, Weighted: true, Text: ": weight 0"}},
		{"weight 255", "exit 255", check.CodesWeight, check.Seen{OK: true, Weighted: true, Weight: 253, Text: ": weight 253"}},
		{"weight, a signal", "kill -TERM $$", check.CodesWeight, check.Seen{Text: "signal: terminated in "}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := try(t, newExec(shell(tt.script, tt.codes), Env{}), long)
			if !strings.Contains(got.Text, tt.want.Text) {
				t.Errorf("text %q, want %q in it", got.Text, tt.want.Text)
			}
			got.Text = tt.want.Text
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestExec_Surroundings(t *testing.T) {
	p := newExec(shell(`echo "$HOLDFAST_NODE $HOLDFAST_CHECK ${NOTIFY_SOCKET-none} $PWD $# $A"`, check.CodesStatus), Env{
		Node: "lb1", Environ: []string{"NOTIFY_SOCKET=/run/x", "A=a", "HOLDFAST_NODE=forged"},
	})
	if got := try(t, p, long); !strings.HasSuffix(got.Text, ": lb1 exec none / 0 a") {
		t.Errorf("%+v", got)
	}
}

func TestExec_CannotBeRun(t *testing.T) {
	for _, tt := range []struct {
		kind check.Exec
		want string
	}{
		{check.Exec{Run: []string{"/no/such/program"}}, "cannot be run: no such file or directory: /no (on the way to /no/such/program)"},
		{check.Exec{Run: []string{"/bin/sh"}, User: "no-such-user"}, "cannot run /bin/sh: there is no user no-such-user"},
		{check.Exec{Run: []string{"/bin/sh"}, Group: "no-such-group"}, "cannot run /bin/sh: there is no group no-such-group"},
	} {
		if got := try(t, newExec(tt.kind, Env{}), long); got.OK || got.Text != tt.want {
			t.Errorf("%+v, want %q", got, tt.want)
		}
	}
}

// One that hangs is killed with all that it started, and the next look finds
// nothing of it left.
func TestExec_Timeout(t *testing.T) {
	for _, tt := range []struct{ name, script string }{
		{"hangs", "echo thinking; echo $$ >>$F; sleep 300"},
		{"deaf to SIGTERM", "trap '' TERM; echo thinking; echo $$ >>$F; sleep 300; sleep 300"},
		{"with children", "echo thinking; (trap '' TERM; sh -c 'echo $$ >>$F; sleep 300; :') & wait"},
		{"with a daemon", "echo thinking; (setsid sh -c 'echo $$ >>$F; sleep 300; :' &) ; sleep 300"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "pids")
			p := newExec(shell(tt.script, check.CodesStatus), Env{Environ: append(os.Environ(), "F="+file)})
			ctx, cancel := context.WithCancelCause(context.Background())
			defer cancel(nil)
			// The time is up when it has started what it starts.
			deadline, stop := context.WithDeadline(context.Background(), time.Now().Add(long))
			defer stop()
			go func() {
				for deadline.Err() == nil {
					if data, _ := os.ReadFile(file); len(data) > 0 {
						break
					}
					time.Sleep(time.Millisecond)
				}
				cancel(context.DeadlineExceeded)
			}()
			begin := time.Now()
			got := p.Try(ctx)
			killed := strings.Contains(got.Text, " and was killed; it said: thinking")
			slow := strings.HasSuffix(got.Text, " and was killed, but is not gone yet") // on a busy machine
			if got.OK || !killed && !slow {
				t.Errorf("%+v", got)
			}
			if d := time.Since(begin); d > 20*time.Second {
				t.Errorf("it took %s", d)
			}
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
			if err != nil {
				t.Fatal(err)
			}
			for until := time.Now().Add(long); running(pid); time.Sleep(time.Millisecond) {
				if time.Now().After(until) {
					t.Fatalf("process %d lives on", pid)
				}
			}
		})
	}
}

func TestExec_TimeoutInWords(t *testing.T) {
	p := newExec(shell("sleep 300", check.CodesStatus), Env{})
	if got := try(t, p, 50*time.Millisecond); got.OK || !strings.HasPrefix(got.Text, "did not end in ") || !strings.Contains(got.Text, " and was killed") {
		t.Errorf("%+v", got)
	}
}

func TestExec_EndlessOutput(t *testing.T) {
	got := try(t, newExec(shell("while :; do echo 0123456789012345678901234567890123456789; done", check.CodesStatus), Env{}), long)
	if got.OK || got.Text != "wrote more than 1048576 bytes and was killed" {
		t.Errorf("%+v", got)
	}
}

// running says whether a process exists and is no zombie.
func running(pid int) bool {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	return !strings.HasPrefix(string(data[strings.LastIndexByte(string(data), ')')+1:]), " Z")
}

// A thousand looks that time out leave nothing behind: no process, no zombie,
// no descriptor, no goroutine.
func TestExec_LeavesNothingBehind(t *testing.T) {
	if testing.Short() {
		t.Skip("-short")
	}
	probes := make([]check.Probe, 20)
	for i := range probes {
		probes[i] = newExec(check.Exec{Run: []string{"/bin/sleep", "300"}}, Env{})
	}
	look := func(n int) {
		done := make(chan struct{})
		for _, p := range probes {
			go func() {
				for range n {
					if got := try(t, p, time.Millisecond); got.OK {
						t.Errorf("%+v", got)
					}
				}
				done <- struct{}{}
			}()
		}
		for range probes {
			<-done
		}
	}
	look(1) // what is made once
	fds, goroutines := descriptors(t), runtime.NumGoroutine()
	look(50)
	for until := time.Now().Add(long); ; time.Sleep(5 * time.Millisecond) {
		f, g, c := descriptors(t), runtime.NumGoroutine(), children(t)
		if f <= fds && g <= goroutines && c == 0 {
			return
		}
		if time.Now().After(until) {
			t.Fatalf("%d descriptors, before %d; %d goroutines, before %d; %d children", f, fds, g, goroutines, c)
		}
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	names, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(names)
}

// children counts our child processes, zombies too.
func children(t *testing.T) int {
	t.Helper()
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, task := range tasks {
		data, _ := os.ReadFile("/proc/self/task/" + task.Name() + "/children") // the thread may have ended
		n += len(strings.Fields(string(data)))
	}
	return n
}

func BenchmarkExec(b *testing.B) {
	p := newExec(check.Exec{Run: []string{"/bin/true"}}, Env{})
	for b.Loop() {
		if got := p.Try(context.Background()); !got.OK {
			b.Fatal(got.Text)
		}
	}
}

// There are never two runs at once: a look waits for what is left of the last
// one, and says so when it waits in vain.
func TestExec_NeverTwoAtOnce(t *testing.T) {
	gone := make(chan struct{})
	p := newExec(shell("echo again", check.CodesStatus), Env{})
	p.left = &program.Process{Done: gone}
	if got := try(t, p, 10*time.Millisecond); got.OK || !strings.HasPrefix(got.Text, "the last run was killed and is still not gone") {
		t.Errorf("%+v", got)
	}
	time.AfterFunc(10*time.Millisecond, func() { close(gone) })
	if got := try(t, p, long); !got.OK || !strings.HasSuffix(got.Text, ": again") {
		t.Errorf("%+v", got)
	}
}
