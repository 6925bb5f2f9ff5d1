package steps

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/order"
)

// boot makes a namespace in which systemd is process 1, with empty /run, /tmp
// and control groups of its own, and starts it with nothing but one target.
const boot = `
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /tmp
mount -t cgroup2 none /sys/fs/cgroup
mkdir -p /run/lock /run/systemd/system
cat >/run/systemd/system/holdfast-test.target <<X
[Unit]
DefaultDependencies=no
X
unit() { printf '[Unit]\nDefaultDependencies=no\n[Service]\n%b' "$2" >/run/systemd/system/$1.service; }
unit good 'ExecStart=/bin/sleep 1000\n'
unit fails 'Type=oneshot\nExecStart=/bin/sh -c "exit 3"\n'
unit dies 'Type=exec\nExecStart=/bin/sh -c "exit 4"\n'
unit slow 'Type=notify\nExecStart=/bin/sleep 1000\n'
unit stubborn 'ExecStart=/bin/sh -c "trap : TERM; while :; do sleep 0.1; done"\nTimeoutStopSec=600\n'
unset NOTIFY_SOCKET
container=holdfast-test exec /lib/systemd/systemd --system --unit=holdfast-test.target --log-target=null
`

// booted is set in the process that runs beside that systemd.
const booted = "HOLDFAST_TEST_SYSTEMD"

// underSystemd runs the calling test once more, in the namespaces of a systemd,
// and says whether this is that run. The manager talks to nobody whose process
// it cannot see.
func underSystemd(t *testing.T) bool {
	t.Helper()
	if os.Getenv(booted) != "" {
		return true
	}
	if os.Geteuid() != 0 {
		t.Skip("needs root: runs systemd in namespaces")
	}
	if _, err := os.Stat("/lib/systemd/systemd"); err != nil {
		t.Skip("needs Debian's package systemd: scripts/need installs it")
	}
	manager := exec.Command("unshare", "--mount-proc", "--propagation", "private", "/bin/sh", "-c", boot)
	manager.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS | syscall.CLONE_NEWCGROUP,
		Pdeathsig:  syscall.SIGKILL,
	}
	var said strings.Builder
	manager.Stdout, manager.Stderr = &said, &said
	if err := manager.Start(); err != nil {
		t.Fatalf("cannot make namespaces: %v", err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = manager.Wait()
	}()
	t.Cleanup(func() {
		// Process 1 of a namespace takes all others with it.
		_ = manager.Process.Kill()
		<-ended
	})
	pid := strconv.Itoa(manager.Process.Pid)
	for bound := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		out, err := exec.Command("nsenter", "-t", pid, "-m", "-p", "systemctl", "is-active", "holdfast-test.target").CombinedOutput()
		if err == nil {
			break
		}
		select {
		case <-ended:
			t.Fatalf("systemd has ended: %s", said.String())
		default:
		}
		if time.Now().After(bound) {
			t.Fatalf("systemd does not answer: %v, %s\n%s", err, out, said.String())
		}
	}
	exe, err := os.Open("/proc/self/exe") // its path is hidden in there
	if err != nil {
		t.Fatal(err)
	}
	defer exe.Close()
	cmd := exec.Command("nsenter", "-t", pid, "-m", "-p", "/proc/self/fd/3", "-test.run", "^"+t.Name()+"$", "-test.v", "-test.timeout", "5m")
	cmd.Env, cmd.ExtraFiles = append(os.Environ(), booted+"=1", "TMPDIR=/tmp"), []*os.File{exe}
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Errorf("beside systemd: %v", err)
	}
	return false
}

func unitStep(name string) config.Step { return config.Step{Unit: name + ".service"} }

// Units of a real systemd: started, stopped, and why not.
func TestUnit(t *testing.T) {
	if !underSystemd(t) {
		return
	}
	is := func(name string) string {
		t.Helper()
		b, err := systemBus(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		s, err := unitState(b, name+".service")
		if err != nil {
			t.Fatal(err)
		}
		return s.active
	}
	x := newRig(t, t.TempDir(), group(unitStep("good")), Options{})
	for range 2 {
		x.take()
		if got := is("good"); got != "active" {
			t.Errorf("after taking it is %s", got)
		}
		x.leave()
		if got := is("good"); got != "inactive" {
			t.Errorf("after leaving it is %s", got)
		}
	}
	for _, tt := range []struct {
		name string
		want string
	}{
		{"fails", `its job to start ended with "failed"; it is failed, its main process ended with status 3`},
		{"nothere", "systemd refused to start it: Unit nothere.service not found."},
		{"slow", "did not end within 500ms and was killed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := unitStep(tt.name)
			if tt.name == "slow" {
				s.Timeout, s.UndoTimeout = 500*time.Millisecond, time.Minute
			}
			y := newRig(t, t.TempDir(), group(unitStep("good"), s), Options{})
			o, why := y.until(order.Take("fun", 0))
			if o != order.Failed || !strings.Contains(why, tt.want) {
				t.Errorf("%s: %s", o, why)
			}
			if got := is("good") + " " + is(tt.name); got != "inactive inactive" && got != "inactive failed" {
				t.Errorf("after the rollback they are %s", got)
			}
		})
	}
	t.Run("stubborn", func(t *testing.T) {
		s := unitStep("stubborn")
		s.UndoTimeout = 700 * time.Millisecond
		y := newRig(t, t.TempDir(), group(s), Options{})
		y.take()
		o, why := y.until(order.Leave("backup", "fun"))
		if o != order.Stuck || !strings.Contains(why, "could not be undone: it did not end within 700ms and was killed") {
			t.Errorf("%s: %s", o, why)
		}
		if got := is("stubborn"); got != "deactivating" {
			t.Errorf("a unit that does not stop is %s", got)
		}
	})
}
