package daemon_test

import (
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
