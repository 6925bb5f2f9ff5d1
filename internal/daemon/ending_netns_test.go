package daemon_test

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// pair starts both daemons with one group, which a holds.
func (s *site) pair(further ...string) {
	s.t.Helper()
	s.pairOf(web(200, further...), web(100, further...))
}

// pairOf does so with other groups.
func (s *site) pairOf(a, b string) {
	s.t.Helper()
	s.a.start(a)
	s.a.becomes("web", "active")
	s.b.start(b)
	s.b.becomes("web", "backup")
	s.answers(vip, "a")
	s.answers(vip6, "a")
}

// The holder's daemon is killed, and its guardian at the same instant. Nothing
// on its machine has time to clean up:
// the peer takes over, and the next run finds what is left, removes it, says
// so, and is backup.
func TestKilled(t *testing.T) {
	s := newSite(t)
	s.pair("preempt: false")
	s.a.crash()
	killed := time.Now()
	s.b.becomes("web", "active")

	s.a.run(s.a.command())
	s.a.becomes("web", "backup")
	s.answers(vip, "b")
	s.answers(vip6, "b")
	s.a.said(killed, "HF2006", "left by an earlier run", vip.String())
	s.a.said(killed, "HF2006", "left by an earlier run", vip6.String())
	s.a.becomes("web", "backup")
	s.b.becomes("web", "active")
	s.over()
}

// The same where the daemon does not come back: `holdfast release`, which the
// unit runs, leaves the machine as it was.
func TestKilled_Release(t *testing.T) {
	s := newSite(t)
	s.pair()
	s.a.crash()
	s.b.becomes("web", "active")
	if got := s.a.released(); got.code != 0 || !hasAll(got.out, []string{vip.String(), vip6.String()}) {
		t.Errorf("release ended with %d and said %q, %q", got.code, got.out, got.err)
	}
	s.answers(vip, "b")
	s.answers(vip6, "b")
	s.a.proc = nil
	s.a.clean()
	if got := s.a.released(); got.code != 0 || got.out != "" {
		t.Errorf("a second release ended with %d and said %q, %q", got.code, got.out, got.err)
	}
	s.over()
}

// The holder's daemon freezes: its kernel goes on answering. When it thaws, it
// gives way to who took over meanwhile, and is a backup like any other: one
// that preempts, or not.
func TestFrozen(t *testing.T) {
	for name, want := range map[string]string{"preempt: true": "a", "preempt: false": "b"} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.pair(name)
			s.must(s.a.proc.Pause())
			s.b.becomes("web", "active")
			frozen := time.Now()
			// Far longer than any backup waits.
			s.within("b has held the addresses for a while", func() error {
				if len(s.adverts(51, frozen)) < 10 {
					return errNotYet
				}
				return nil
			})
			s.must(s.a.proc.Resume())
			holder, other := s.a, s.b
			if want == "b" {
				holder, other = other, holder
			}
			other.becomes("web", "backup")
			holder.becomes("web", "active")
			s.answers(vip, want)
			s.answers(vip6, want)
			other.becomes("web", "backup")
			s.over()
		})
	}
}

// The holder's daemon is told to stop, as with systemctl stop: the client
// notices nothing.
func TestStopped(t *testing.T) {
	for name, signal := range map[string]unix.Signal{"SIGTERM": unix.SIGTERM, "SIGINT": unix.SIGINT} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.pair()
			p := s.probe(vip)
			s.must(s.a.proc.Signal(signal))
			<-s.a.proc.Done()
			if err := s.a.proc.Err(); err != nil {
				t.Errorf("it ended with %v", err)
			}
			s.a.proc = nil
			s.a.clean()
			s.b.becomes("web", "active")
			s.answers(vip, "b")
			s.within("b has answered the client for a while", func() error {
				if p.Report(time.Time{}, time.Now()).By["b"] < 1000 {
					return errNotYet
				}
				return nil
			})
			p.Stop()
			if r := p.Report(time.Time{}, time.Now()); r.Lost > 0 {
				t.Errorf("%d of %d probes were lost, outage %v", r.Lost, r.Sent, r.Longest())
			}
			s.over()
		})
	}
}
