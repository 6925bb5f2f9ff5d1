package daemon_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/lab"
	"github.com/holdfast-net/holdfast/internal/vote"
	"github.com/holdfast-net/holdfast/interop/chaos/observe"
)

// quorum is a site whose group has a guard: nodes a and b, a third host that is
// the witness or the gateway, and an eye that asks for the address every two
// milliseconds while a tap on the switch sees who answers.
type quorum struct {
	*site
	w     *node // the witness
	guard string
	pace  time.Duration
	// further words of the group's vrrp:
	further []string
	tap     *observe.Tap
}

func newQuorum(t *testing.T, guard string, pace time.Duration, further ...string) *quorum {
	q := &quorum{site: newSite(t), guard: guard, pace: pace, further: further}
	q.w = q.add("w", 3)
	q.must(os.WriteFile(q.key(), []byte(strings.Repeat("0f", 32)), 0o600))
	q.tap = q.watch()
	return q
}

// watch sets an eye on the address, and reports at the end if two answered for it.
func (s *site) watch() *observe.Tap {
	s.t.Helper()
	start := time.Now()
	eye, err := s.lan.Add(lab.HostConfig{
		Name: "eye", MAC: net.HardwareAddr{2, 0, 0, 0, 1, 1}, Addresses: observe.Asking(0, vip.Addr()),
	})
	s.must(err)
	tap, err := observe.StartTap(s.lan, []string{"a", "b"}, vip.Addr(), start)
	s.must(err)
	o, err := observe.StartObserver(eye, vip.Addr(), 0, 1, start)
	s.must(err)
	s.t.Cleanup(func() {
		for _, n := range []*node{s.a, s.b} {
			for _, e := range n.events() {
				if s.t.Failed() && e.Kind != "daemon" {
					s.t.Logf("%s %s: %s -> %s %s: %s", e.Time.Format("05.000"), n.name, e.From, e.To, e.Code, e.Reason)
				}
			}
		}
		_, err := o.Stop()
		r, tapped := tap.Stop()
		s.must(errors.Join(err, tapped))
		for _, x := range r.Overlaps() {
			s.t.Errorf("two answer for %s, from %s on: %s", x.Length(), x.From, strings.Join(r.Excerpt(x.From-5*time.Millisecond, x.To+5*time.Millisecond), "\n"))
		}
	})
	return tap
}

func (q *quorum) key() string { return filepath.Join(q.dir, "key") }

// term is how long a promise lasts.
func (q *quorum) term() time.Duration { return vote.TermOf(q.pace) }

// file writes a node's file.
func (q *quorum) file(n *node) {
	q.t.Helper()
	q.write(n, "", "")
}

// write does so with further lines of the group, and of the file.
func (q *quorum) write(n *node, group, top string) {
	q.t.Helper()
	priority := map[*node]int{q.a: 200, q.b: 100}[n]
	g := strings.ReplaceAll(web(priority, q.further...), "interval: "+interval.String(), "interval: "+q.pace.String())
	n.write(g + "    guard: " + q.guard + "\n" + group)
	f, err := os.OpenFile(n.file(), os.O_APPEND|os.O_WRONLY, 0)
	q.must(err)
	_, err = fmt.Fprintf(f, "cluster:\n  nodes: {a: 192.0.2.1, b: 192.0.2.2}\n  witnesses: {w: 192.0.2.3}\n  key: {file: %s}\n%s", q.key(), top)
	q.must(errors.Join(err, f.Close()))
}

func (q *quorum) begin(n *node) {
	q.t.Helper()
	if n == q.w {
		q.must(os.WriteFile(n.file(), fmt.Appendf(nil, "node: w\nstate: %s\ncontrol: {socket: %s}\nwitness: {key: {file: %s}}\n",
			n.state(), n.socket(), q.key()), 0o644))
		n.run(exec.Command(binary.path, "run", "-c", n.file()))
		return
	}
	q.file(n)
	n.run(n.command())
}

func (q *quorum) kill(nodes ...*node) time.Time {
	q.t.Helper()
	at := time.Now()
	for _, n := range nodes {
		q.must(n.proc.Kill())
		n.proc = nil
	}
	return at
}

// slay kills a node's daemon and its guardian at once: nobody says a word.
func (q *quorum) slay(n *node) time.Time {
	q.t.Helper()
	at := time.Now()
	for _, sig := range []unix.Signal{unix.SIGSTOP, unix.SIGKILL} { // else one sees the other die
		for _, pid := range n.host.Processes() {
			_ = unix.Kill(pid, sig)
		}
	}
	q.kill(n)
	return at
}

// holder waits until a node alone answers, and returns when it first did since
// an instant.
func (q *quorum) holder(name string, since time.Time) time.Duration {
	q.t.Helper()
	q.within(name+" answers", func() error {
		if got := strings.Join(q.tap.Answering(100*time.Millisecond), " and "); got != name {
			return fmt.Errorf("%q answers", got)
		}
		return nil
	})
	return time.Since(since)
}

// nobody waits until nobody answers.
func (q *quorum) nobody(since time.Time) time.Duration {
	q.t.Helper()
	const still = 250 * time.Millisecond
	q.within("nobody answers", func() error {
		if got := q.tap.Answering(still); len(got) > 0 {
			return fmt.Errorf("%q", got)
		}
		return nil
	})
	return time.Since(since) - still
}

// stays watches that a node goes on holding, for two terms. That nobody else
// answers meanwhile is seen in the end.
func (q *quorum) stays(name, what string) {
	q.t.Helper()
	n := map[string]*node{"a": q.a, "b": q.b}[name]
	before := n.transitions("web")
	time.Sleep(2 * q.term()) // a time for it to be lost in
	if n.transitions("web") != before {
		q.t.Fatalf("%s: %s does not hold throughout", what, name)
	}
	q.holder(name, time.Now())
}

// all starts everybody, and waits until a holds.
func (q *quorum) all() time.Duration {
	q.t.Helper()
	at := time.Now()
	for _, n := range []*node{q.w, q.a, q.b} {
		q.begin(n)
	}
	took := q.holder("a", at)
	q.a.becomes("web", "active")
	q.b.becomes("web", "backup")
	return took
}

// heard waits until every voter is heard by a node, from a moment on after now,
// and none abstains.
func (q *quorum) heard(n *node) {
	q.t.Helper()
	since := time.Now().Add(2 * q.term()) // in which it has told whether it abstains
	q.within("no voter abstains for "+n.name, func() error {
		s, err := n.status()
		if err != nil {
			return err
		}
		for _, v := range s.Voters {
			if v.Abstains > 0 || !v.Self && v.LastSeen.Before(since) {
				return fmt.Errorf("%+v", v)
			}
		}
		return nil
	})
}

// asked is how often the witness was asked.
func (q *quorum) asked() uint64 {
	q.t.Helper()
	s, err := q.w.status()
	q.must(err)
	return s.Witness.Counters["asked"]
}

// nothing checks that a client lost nothing.
func (q *quorum) nothing(p *lab.Prober, what string, since time.Time) {
	q.t.Helper()
	p.Settle()
	r := p.Report(since, time.Now())
	q.t.Logf("%s: %d of %d probes lost, longest %s", what, r.Lost, r.Sent, r.Longest())
	if r.Lost > 0 {
		q.t.Errorf("%s: %d probes are lost: %+v", what, r.Lost, r.Outages)
	}
}

func (q *quorum) commands(n *node, args ...string) {
	q.t.Helper()
	if got := n.cli(args...); got.code != 0 {
		q.t.Fatalf("%s %v: %d: %s%s", n.name, args, got.code, got.out, got.err)
	}
}
