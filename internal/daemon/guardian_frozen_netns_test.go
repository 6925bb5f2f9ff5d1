package daemon_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A guardian that is frozen when its daemon dies keeps nobody from starting
// the daemon again. When it wakes, it sees that another one works, and neither
// speaks nor sweeps nor starts a third.
func TestGuardian_Frozen(t *testing.T) {
	s := newSite(t)
	s.a.write(web(200))
	s.b.start(web(100))
	s.a.runAuto()
	s.a.becomes("web", "active")
	s.b.becomes("web", "backup")
	guardian := s.a.guardian()
	s.must(unix.Kill(guardian, unix.SIGSTOP))
	s.must(s.a.proc.Signal(unix.SIGKILL))
	<-s.a.proc.Done()
	s.b.becomes("web", "active")
	s.a.run(s.a.command())
	s.a.becomes("web", "active")
	woken := time.Now()
	before := s.a.transitions("web")
	s.must(unix.Kill(guardian, unix.SIGCONT))
	s.gone(guardian)
	if n := s.zeros(51, woken); n > 0 {
		t.Errorf("priority 0 was said %d times for a daemon that lives", n)
	}
	if n := s.a.transitions("web"); n != before {
		t.Errorf("%d transitions, and there were %d", n, before)
	}
	s.answers(vip, "a")
	s.answers(vip6, "a")
	s.over()
}

// A guardian that is stopped in the middle of cleaning up has the right to change
// addresses, and keeps it. The next daemon ends it, and does its work.
func TestGuardian_FrozenAtItsWork(t *testing.T) {
	s := newSite(t)
	s.b.start(web(100))
	for try := 1; ; try++ {
		s.a.start(web(200))
		s.a.becomes("web", "active")
		guardian := s.a.guardian()
		killed := time.Now()
		s.must(s.a.proc.Signal(unix.SIGKILL))
		for !s.a.cleans() && time.Since(killed) < time.Second {
			continue
		}
		s.must(unix.Kill(guardian, unix.SIGSTOP))
		if s.a.cleans() {
			s.a.run(s.a.command())
			s.a.said(killed, "HF2113", "did not get on")
			s.gone(guardian)
			break
		}
		// It was quicker.
		s.must(unix.Kill(guardian, unix.SIGCONT))
		s.gone(guardian)
		if try == 20 {
			t.Fatal("the guardian could not be stopped at its work")
		}
	}
	s.a.becomes("web", "active")
	s.b.becomes("web", "backup")
	s.answers(vip, "a")
	s.answers(vip6, "a")
	s.a.guardian()
	s.over()
}

// cleans says whether somebody who is no daemon has the turn.
func (n *node) cleans() bool {
	n.s.t.Helper()
	var text []byte
	n.s.must(n.host.Do(func() (err error) {
		text, err = os.ReadFile("/proc/thread-self/net/unix")
		return err
	}))
	return strings.Contains(string(text), "@holdfast/hands\n") && !strings.Contains(string(text), "@holdfast/daemon\n")
}
