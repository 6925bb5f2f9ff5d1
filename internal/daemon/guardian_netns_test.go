package daemon_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/hold"
)

// guardian waits until the daemon has a guardian, other than one of before,
// and returns its process.
func (n *node) guardian(but ...int) (pid int) {
	n.s.t.Helper()
	n.s.within(n.name+" has a guardian", func() error {
		st, err := n.status()
		if err != nil {
			return err
		}
		pid = st.Guardian.PID
		if !st.Guardian.On || len(but) > 0 && pid == but[0] {
			return fmt.Errorf("it has %+v", st.Guardian)
		}
		return nil
	})
	return pid
}

// crash kills the daemon and its guardian at one instant: nobody says or
// removes anything.
func (n *node) crash() {
	n.s.t.Helper()
	guardian := n.guardian()
	n.s.must(unix.Kill(guardian, unix.SIGSTOP)) // it notices nothing from here on
	n.s.must(n.proc.Signal(unix.SIGKILL))
	n.s.must(unix.Kill(guardian, unix.SIGKILL))
	<-n.proc.Done()
}

// gone waits until a process is no more.
func (s *site) gone(pid int) {
	s.t.Helper()
	s.within(fmt.Sprintf("process %d is gone", pid), func() error {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err == nil && !strings.Contains(string(stat), ") Z ") {
			return errors.New("it is there")
		}
		return nil
	})
}

// farewell waits for a priority 0 and returns when it was on the wire.
func (s *site) farewell(id uint8, since time.Time) (at time.Time) {
	s.t.Helper()
	s.within("priority 0 is on the wire", func() error {
		for _, a := range s.adverts(id, since) {
			if a.Priority == 0 {
				at = a.At
				return nil
			}
		}
		return errNotYet
	})
	return at
}

// The holder's daemon is killed. Its guardian says so at once, so that the
// peer takes over in its skew time and not after three intervals, and leaves
// the machine as it was.
func TestGuardian_Killed(t *testing.T) {
	s := newSite(t)
	s.pairOf(slow(web(200)), slow(web(100)))
	guardian := s.a.guardian()
	s.listened()
	p := s.probe(vip)
	killed := time.Now()
	s.must(s.a.proc.Signal(unix.SIGKILL))
	said := s.farewell(51, killed).Sub(killed)
	s.b.becomes("web", "active")
	s.answers(vip, "b")
	s.answers(vip6, "b")
	s.gone(guardian)
	s.a.proc = nil
	if diff := cmp.Diff(s.a.before, s.a.machine()); diff != "" {
		t.Errorf("a before and after (-before +after):\n%s", diff)
	}
	p.Settle()
	p.Stop()
	outage := p.Report(killed, time.Now()).Longest()
	t.Logf("priority 0 was on the wire after %v, the client waited for %v\n%s", said, outage, s.a.log)
	// Active_Down_Interval is 3.6 s, Skew_Time 0.6 s.
	if outage > 2*time.Second {
		t.Errorf("outage %v", outage)
	}
	if all := s.adverts(51, killed); len(all) > 0 && all[0].Priority == 0 {
		zero := 0
		for _, a := range all {
			if a.Priority == 0 {
				zero++
			}
		}
		if zero != 2 { // IPv4 and IPv6
			t.Errorf("priority 0 was said %d times", zero)
		}
	}
	s.over()
}

// Without systemd the guardian starts the daemon again: it listens, tells how
// the run before it died, and takes its place again.
func TestGuardian_StartsAgain(t *testing.T) {
	s := newSite(t)
	s.a.write(web(200))
	s.b.start(web(100))
	log := s.a.runAuto()
	s.a.becomes("web", "active")
	s.b.becomes("web", "backup")
	guardian := s.a.guardian()
	killed := time.Now()
	s.must(s.a.proc.Signal(unix.SIGKILL))
	s.b.becomes("web", "active")
	s.a.becomes("web", "active")
	s.b.becomes("web", "backup")
	s.a.said(killed, "HF2112", "died without a word", "said priority 0 for 2 virtual routers")
	s.gone(guardian)
	second := s.a.guardian(guardian)
	// Once more: it is guarded as before.
	killed = time.Now()
	s.must(unix.Kill(s.a.pid(), unix.SIGKILL))
	s.b.becomes("web", "active")
	s.a.becomes("web", "active")
	s.gone(second)
	s.a.said(killed, "HF2112", "died without a word")
	s.answers(vip, "a")
	third := s.a.guardian(second)
	s.must(unix.Kill(s.a.pid(), unix.SIGTERM))
	s.gone(third)
	s.a.proc = nil
	if t.Failed() {
		t.Log(read(t, log))
	}
	s.over()
}

// runAuto starts the daemon as `holdfast run` does by itself, with its log in
// a file: one that is started again has the same.
func (n *node) runAuto() (log string) {
	n.s.t.Helper()
	log = filepath.Join(n.dir, "log")
	f, err := os.Create(log)
	n.s.must(err)
	defer f.Close()
	cmd := exec.Command(binary.path, "run", "-c", n.file())
	cmd.Stdout, cmd.Stderr = f, f
	n.proc, err = n.host.Start(cmd)
	n.s.must(err)
	n.s.within(n.name+" can be asked", func() error {
		_, err := n.status()
		return err
	})
	return log
}

// pid is of the daemon that has the control socket now: its guardian's parent.
func (n *node) pid() int {
	n.s.t.Helper()
	stat := read(n.s.t, fmt.Sprintf("/proc/%d/stat", n.guardian()))
	var pid int
	_, err := fmt.Sscanf(stat[strings.LastIndexByte(stat, ')')+4:], "%d", &pid)
	n.s.must(err)
	return pid
}

// listened waits until a node that has just started may hold: it listens first
// for as long as another's hold can last, whatever it hears, here with an advert
// a second.
func (s *site) listened() { time.Sleep(hold.Patience(time.Second, 3)) }
