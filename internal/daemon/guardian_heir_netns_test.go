package daemon_test

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A holdfast peer is named as the heir, and does not even wait for its skew
// time, however long the interval.
func TestGuardian_NamesTheHeir(t *testing.T) {
	s := newSite(t)
	s.pairOf(slow(web(200)), slow(web(100)))
	s.a.guardian()
	// What the guardian knows cannot be asked: two hellos and a look later it
	// has been told who is there.
	settled := time.Now()
	s.within("the holder has advertised for a while", func() error {
		if len(s.adverts(51, settled)) < 10 {
			return errNotYet
		}
		return nil
	})
	p := s.probe(vip)
	killed := time.Now()
	s.must(s.a.proc.Signal(unix.SIGKILL))
	s.b.becomes("web", "active")
	s.answers(vip, "b")
	p.Settle()
	p.Stop()
	outage := p.Report(killed, time.Now()).Longest()
	t.Logf("killed %v, the client waited for %v\n%s", killed, outage, s.b.log)
	if outage > 500*time.Millisecond { // a Skew_Time is 609 ms
		t.Errorf("the client waited for %v", outage)
	}
	s.a.proc = nil
	s.over()
}
