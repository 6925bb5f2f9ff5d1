package gate

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/engine"
)

// childRole is the environment of a process that this test program starts: a
// daemon that opens the gate, guards, and holds until it is killed or stopped.
const childRole = "HOLDFAST_TEST_GATE_CHILD"

// task is what the child is told, as JSON.
type task struct {
	Line    LineID
	Virtual bool
	Dir     string
	Sweep   bool // first
	Inherit int  // how many files it inherits
}

// lease is how long the child's holds last; it renews them every pace.
const (
	lease = 800 * time.Millisecond
	pace  = 10 * time.Millisecond
)

// child does its task. It ends when its input does.
func child(role string) int {
	var what task
	err := json.Unmarshal([]byte(role), &what)
	if err == nil {
		err = what.do()
	}
	fmt.Println(err)
	return 1
}

func (what task) do() error {
	if what.Sweep {
		if _, err := Sweep(what.Dir); err != nil {
			return err
		}
	}
	o := Options{Dir: what.Dir}
	if what.Line != "" {
		o.Lines = []LineID{what.Line}
	}
	for i := range what.Inherit {
		o.Inherit = append(o.Inherit, os.NewFile(uintptr(3+i), "inherited"))
	}
	g, err := Open(o)
	if err != nil {
		return err
	}
	l := &lab{mode: mode{virtual: what.Virtual}, mac4: virtual4, mac6: virtual6}
	four, six := l.specs()
	slot4, err := g.Guard(four)
	if err != nil {
		return err
	}
	slot6, err := g.Guard(six)
	if err != nil {
		return err
	}
	set := func() {
		until := g.Now() + engine.Instant(lease)
		g.Set(slot4, engine.Hold{Announced: until, Served: until})
		g.Set(slot6, engine.Hold{Announced: until, Served: until})
	}
	set()
	fmt.Printf("guarded %d %d %q %q\n", slot4, slot6, g.Line().ID, g.Line().Why)
	go func() {
		_, _ = os.Stdin.Read(make([]byte, 1))
		os.Exit(0)
	}()
	for ; ; time.Sleep(pace) {
		set()
	}
}

// daemon is a running child.
type daemon struct {
	*exec.Cmd
	slot4, slot6 engine.Slot
	line, why    string
}

func (l *lab) startDaemon(what task, attr *syscall.SysProcAttr, inherit ...*os.File) *daemon {
	l.Helper()
	what.Line, what.Virtual, what.Dir, what.Inherit = l.line, l.virtual, l.dir, len(inherit)
	role, err := json.Marshal(what)
	must(l, err)
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), childRole+"="+string(role))
	attr.Pdeathsig = syscall.SIGKILL
	cmd.SysProcAttr, cmd.ExtraFiles = attr, inherit
	out, err := cmd.StdoutPipe()
	must(l, err)
	in, err := cmd.StdinPipe()
	must(l, err)
	must(l, cmd.Start())
	d := &daemon{Cmd: cmd}
	l.Cleanup(func() { in.Close(); d.kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if _, scanErr := fmt.Sscanf(line, "guarded %d %d %q %q", &d.slot4, &d.slot6, &d.line, &d.why); err != nil || scanErr != nil {
		l.Fatalf("the daemon says %q (%v)", line, err)
	}
	return d
}

// kill kills the child and waits until it is gone.
func (d *daemon) kill() {
	_ = d.Process.Kill()
	_ = d.Wait()
}

// attached is what is attached to all interfaces.
func (l *lab) attached() attachments {
	l.Helper()
	ps, err := openPrograms("")
	must(l, err)
	found, err := findAttached(ps)
	must(l, err)
	return found
}

// TestFewCapabilities runs the daemon as the unit does: not as root, and with
// CAP_BPF besides what it needs anyway.
func TestFewCapabilities(t *testing.T) {
	const nobody = 65534
	unprivileged := func() *syscall.SysProcAttr {
		return &syscall.SysProcAttr{
			Credential:  &syscall.Credential{Uid: nobody, Gid: nobody},
			AmbientCaps: []uintptr{unix.CAP_NET_ADMIN, unix.CAP_NET_RAW, unix.CAP_BPF},
		}
	}
	for _, m := range modes {
		t.Run(m.name, func(t *testing.T) {
			l := newLab(t, m)
			t.Cleanup(l.sweep)
			must(t, os.Chown(l.dir, nobody, nobody))
			must(t, os.Chmod(filepath.Dir(l.dir), 0o755))
			l.startDaemon(task{}, unprivileged()).kill()
			before := l.attached()
			if len(before) != 2 {
				t.Fatalf("attached after the daemon's death: %+v, want two programs", before)
			}

			d := l.startDaemon(task{Sweep: true}, unprivileged())
			after := l.attached()
			if len(after) != 2 || after[0].id == before[0].id {
				t.Errorf("attached after a sweep and a new daemon: %+v, before %+v; want two others", after, before)
			}
			g, err := Open(Options{Lines: []LineID{m.line}})
			must(t, err)
			files, err := g.Files()
			must(t, err)
			holds := g.Held(d.slot4)
			must(t, g.Close())
			d.kill()

			d = l.startDaemon(task{}, unprivileged(), files...)
			l.gate, err = Open(Options{Lines: []LineID{m.line}})
			must(t, err)
			if now := l.gate.Held(d.slot4); now.Announced <= holds.Announced {
				t.Errorf("the daemon that inherited holds until %v, before %v: want later, in the same map", now, holds)
			}
			if len(l.attached()) != 2 {
				t.Errorf("attached: %+v, want two programs", l.attached())
			}
			must(t, l.gate.Close())
		})
	}
}

// TestNeverSilentlyWeaker: without CAP_BPF there is a weaker line, and it says
// which and why.
func TestNeverSilentlyWeaker(t *testing.T) {
	const nobody = 65534
	l := newLab(t, mode{})
	t.Cleanup(l.sweep)
	must(t, os.Chown(l.dir, nobody, nobody))
	must(t, os.Chmod(filepath.Dir(l.dir), 0o755))
	d := l.startDaemon(task{}, &syscall.SysProcAttr{
		Credential:  &syscall.Credential{Uid: nobody, Gid: nobody},
		AmbientCaps: []uintptr{unix.CAP_NET_ADMIN, unix.CAP_NET_RAW},
	})
	if d.line != string(Nftables) || !strings.Contains(d.why, string(TCX)) || !strings.Contains(d.why, "not permitted") {
		t.Errorf("the line is %q, because %q; want %q and why no eBPF", d.line, d.why, Nftables)
	}
	l.startDaemon(task{}, &syscall.SysProcAttr{}).kill() // as root, beside it: the best there is
	if len(l.attached()) != 2 {
		t.Errorf("attached: %+v, want two programs", l.attached())
	}
}
