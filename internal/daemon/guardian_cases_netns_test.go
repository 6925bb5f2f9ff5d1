package daemon_test

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// zeros are the adverts of priority 0 since an instant.
func (s *site) zeros(id uint8, since time.Time) (n int) {
	for _, a := range s.adverts(id, since) {
		if a.Priority == 0 {
			n++
		}
	}
	return n
}

// In every manner that a group can be spoken for, the guardian's word is
// believed: else the peer would wait for three intervals.
func TestGuardian_IsBelieved(t *testing.T) {
	key := strings.Repeat("0123456789abcdef", 4)
	for name, further := range map[string]func(peer string) []string{
		"signed": func(string) []string {
			return []string{"auth: {hmac: {keys: {7: {hex: " + key + "}}, active: 7}}"}
		},
		"unicast": func(peer string) []string { return []string{"peers: [" + peer + "]"} },
		"unicast, signed": func(peer string) []string {
			return []string{"peers: [" + peer + "]", "auth: {hmac: {keys: {7: {hex: " + key + "}}, active: 7}}"}
		},
		"physical MAC":    func(string) []string { return []string{"mac: physical"} },
		"rfc9568":         func(string) []string { return []string{"checksum: rfc9568"} },
		"version 2, pass": func(string) []string { return []string{"version: 2", "auth: {pass: {text: secret}}"} },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			file := func(priority int, peer string) string {
				return slow(group("web", 51, priority, one(vip), further(peer)...))
			}
			s.a.start(file(200, "192.0.2.2"))
			s.a.becomes("web", "active")
			s.b.start(file(100, "192.0.2.1"))
			s.b.becomes("web", "backup")
			s.a.guardian()
			s.listened()
			p := s.probe(vip)
			killed := time.Now()
			s.must(s.a.proc.Signal(unix.SIGKILL))
			s.b.becomes("web", "active")
			s.answers(vip, "b")
			p.Settle()
			p.Stop()
			if outage := p.Report(killed, time.Now()).Longest(); outage > 2*time.Second {
				t.Errorf("the client waited for %v", outage)
			}
			s.a.proc = nil
			s.over()
		})
	}
}

// Whatever ends the daemon without a farewell: its own panic, a watchdog.
func TestGuardian_EveryDeath(t *testing.T) {
	for _, signal := range []unix.Signal{unix.SIGQUIT, unix.SIGABRT, unix.SIGSEGV, unix.SIGBUS} {
		t.Run(unix.SignalName(signal), func(t *testing.T) {
			s := newSite(t)
			s.pairOf(slow(web(200)), slow(web(100)))
			guardian := s.a.guardian()
			died := time.Now()
			s.must(s.a.proc.Signal(signal))
			s.farewell(51, died)
			s.b.becomes("web", "active")
			s.gone(guardian)
			s.answers(vip, "b")
			s.a.proc = nil
			s.over()
		})
	}
}

// Killed at any moment of a handover, with nothing to be said or something:
// the address is held by one node soon, and nothing is left.
func TestGuardian_KilledInAHandover(t *testing.T) {
	for _, after := range []time.Duration{0, 2 * time.Millisecond, 10 * time.Millisecond, 50 * time.Millisecond, 150 * time.Millisecond, 400 * time.Millisecond} {
		for _, who := range []string{"a", "b"} {
			t.Run(fmt.Sprintf("%s after %v", who, after), func(t *testing.T) {
				s := newSite(t)
				s.pair()
				s.a.guardian()
				s.b.guardian()
				done := make(chan answer, 1)
				go func() { done <- s.a.cli("handover", "web", "--to", "b") }()
				time.Sleep(after) // an arbitrary moment, not a condition
				victim, other := s.a, s.b
				if who == "b" {
					victim, other = other, victim
				}
				s.must(victim.proc.Signal(unix.SIGKILL))
				<-victim.proc.Done()
				<-done
				other.becomes("web", "active")
				s.answers(vip, other.name)
				s.answers(vip6, other.name)
				victim.proc = nil
				s.within("the victim's machine is clean", func() error {
					if fmt.Sprint(victim.machine()) != fmt.Sprint(victim.before) {
						return errNotYet
					}
					return nil
				})
				s.over()
			})
		}
	}
}

// A daemon that ends in order says its own farewell, and takes its guardian
// along.
func TestGuardian_IsSentAway(t *testing.T) {
	s := newSite(t)
	s.pair()
	guardian := s.a.guardian()
	told := time.Now()
	s.must(s.a.proc.Signal(unix.SIGTERM))
	<-s.a.proc.Done()
	if err := unix.Kill(guardian, 0); !errors.Is(err, unix.ESRCH) {
		t.Errorf("the guardian is still there: %v", err)
	}
	s.b.becomes("web", "active")
	if n := s.zeros(51, told); n != 2 { // IPv4 and IPv6
		t.Errorf("priority 0 was said %d times", n)
	}
	s.a.proc = nil
	s.over()
}

// A guardian that dies is replaced, and the new one knows what the old one
// knew.
func TestGuardian_Dies(t *testing.T) {
	s := newSite(t)
	s.pairOf(slow(web(200)), slow(web(100)))
	since := time.Now()
	first := s.a.guardian()
	for _, signal := range []unix.Signal{unix.SIGTERM, unix.SIGINT, unix.SIGHUP} { // not its business
		s.must(unix.Kill(first, signal))
	}
	s.must(unix.Kill(first, unix.SIGKILL))
	s.a.said(since, "HF2111", "guardian", "killed")
	second := s.a.guardian(first)
	// It is told with the next packet.
	beat := time.Now()
	s.within("another advert has left", func() error {
		if len(s.adverts(51, beat)) < 2 {
			return errNotYet
		}
		return nil
	})
	killed := time.Now()
	if n := s.zeros(51, since); n > 0 {
		t.Errorf("priority 0 was said %d times for a daemon that lives", n)
	}
	s.must(s.a.proc.Signal(unix.SIGKILL))
	s.farewell(51, killed)
	s.b.becomes("web", "active")
	s.gone(second)
	s.answers(vip, "b")
	s.a.proc = nil
	s.over()
}

// Both are killed: nobody says or removes anything, and the peer waits for
// three intervals. That is what a gate is for.
func TestGuardian_BothKilled(t *testing.T) {
	s := newSite(t)
	s.pair()
	killed := time.Now()
	s.a.crash()
	s.a.proc = nil
	s.b.becomes("web", "active")
	if n := s.zeros(51, killed); n > 0 {
		t.Errorf("priority 0 was said %d times by the dead", n)
	}
	if got := s.a.released(); got.code != 0 || !strings.Contains(got.out, vip.String()) {
		t.Errorf("release ended with %d and said %q, %q", got.code, got.out, got.err)
	}
	s.answers(vip, "b")
	s.a.clean()
	s.over()
}

// A daemon that is stopped is not dead.
func TestGuardian_LeavesTheFrozenAlone(t *testing.T) {
	s := newSite(t)
	s.pair()
	s.a.guardian()
	frozen := time.Now()
	s.must(s.a.proc.Pause())
	s.b.becomes("web", "active")
	if n := s.zeros(51, frozen); n > 0 {
		t.Errorf("priority 0 was said %d times", n)
	}
	s.must(s.a.proc.Resume())
	s.a.becomes("web", "active")
	s.over()
}

// 255 groups on one interface: all are spoken for.
func TestGuardian_ManyGroups(t *testing.T) {
	s := newSite(t)
	var a, b []string
	for id := 1; id <= 255; id++ {
		v := []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 0, 2, 0}), 24)}
		v[0] = netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 51, 100, byte(id)}), 32)
		a = append(a, slow(group(fmt.Sprintf("g%d", id), id, 200, v, "mac: physical")))
		b = append(b, slow(group(fmt.Sprintf("g%d", id), id, 100, v, "mac: physical")))
	}
	s.a.start(a...)
	s.holds(s.a, 255)
	s.b.start(b...)
	s.a.guardian()
	killed := time.Now()
	s.must(s.a.proc.Signal(unix.SIGKILL))
	var last time.Time
	s.within("priority 0 is said for each", func() error {
		last = time.Time{}
		for id := 1; id <= 255; id++ {
			found := false
			for _, ad := range s.adverts(uint8(id), killed) {
				if found = found || ad.Priority == 0; found && ad.At.After(last) {
					last = ad.At
				}
				if found {
					break
				}
			}
			if !found {
				return fmt.Errorf("not for %d", id)
			}
		}
		return nil
	})
	t.Logf("the last of 255 was on the wire after %v", last.Sub(killed))
	s.holds(s.b, 255)
	s.within("nothing is left", func() error {
		if m := s.a.machine(); len(m.Addresses) != len(s.a.before.Addresses) {
			return fmt.Errorf("%d addresses", len(m.Addresses))
		}
		return nil
	})
	s.a.proc = nil
	t.Log(s.a.log)
	s.over()
}

// holds waits until a node holds so many groups.
func (s *site) holds(n *node, want int) {
	s.t.Helper()
	s.within(fmt.Sprintf("%s holds %d groups", n.name, want), func() error {
		st, err := n.status()
		if err != nil {
			return err
		}
		held := 0
		for _, g := range st.Groups {
			if g.State == "active" {
				held++
			}
		}
		if held != want {
			return fmt.Errorf("it holds %d", held)
		}
		return nil
	})
}

// A daemon that cannot start again is tried ever more rarely, and starts when
// it can.
func TestGuardian_KeepsTrying(t *testing.T) {
	s := newSite(t)
	s.a.write(web(200))
	log := s.a.runAuto()
	s.a.becomes("web", "active")
	guardian := s.a.guardian()
	s.a.write(web(300)) // out of range
	s.must(s.a.proc.Signal(unix.SIGKILL))
	s.within("the third try has failed", func() error {
		text, err := os.ReadFile(log)
		if err == nil && !hasAll(string(text), []string{"next try is in 1s", "next try is in 2s", "next try is in 4s"}) {
			err = errNotYet
		}
		return err
	})
	s.a.write(web(200))
	s.a.becomes("web", "active")
	s.gone(guardian)
	// While it tries, it can be told to stop trying.
	guardian = s.a.guardian()
	s.a.write(web(300))
	s.must(unix.Kill(s.a.pid(), unix.SIGKILL))
	s.within("a try has failed", func() error {
		if strings.Count(read(t, log), "cannot start the daemon again") < 4 {
			return errNotYet
		}
		return nil
	})
	s.must(unix.Kill(guardian, unix.SIGTERM))
	s.gone(guardian)
	s.a.proc = nil
	s.over()
}

// `guardian: off`: there is none, and nobody is warned.
func TestGuardian_Off(t *testing.T) {
	s := newSite(t)
	s.b.start(web(100))
	s.b.becomes("web", "active")
	s.a.write("  {}\nguardian: off\n")
	cmd := s.a.command()
	cmd.Args = cmd.Args[:len(cmd.Args)-2] // the file's word, not the flag's
	s.a.run(cmd)
	st, err := s.a.status()
	if err != nil || st.Guardian.On || st.Guardian.Detail != "switched off" {
		t.Errorf("%v, %+v", err, st.Guardian)
	}
	for _, w := range st.Warnings {
		if w.Code == "HF2111" {
			t.Errorf("%+v", w)
		}
	}
	s.over()
}
