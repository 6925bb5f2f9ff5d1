package daemon_test

import (
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// slow advertises once a second, so that a machine that is too busy for a
// while does not look like an advert that was lost.
func slow(groups string) string {
	return strings.ReplaceAll(groups, "interval: "+interval.String(), "interval: 1s")
}

// calm is the longest pause of a slow group: after a lost advert it would be
// two seconds.
const calm = 1900 * time.Millisecond

// reload reloads by the command line, and says when it began.
func (n *node) reload() (began time.Time, got answer) {
	n.s.t.Helper()
	began = time.Now()
	return began, n.cli("reload")
}

// more waits until a VRID has been advertised n more times.
func (s *site) more(id uint8, since time.Time, n int) {
	s.t.Helper()
	s.within(fmt.Sprintf("VRID %d is advertised %d times", id, n), func() error {
		if got := len(s.adverts(id, since)); got < n {
			return fmt.Errorf("%d times", got)
		}
		return nil
	})
}

// A file with errors changes nothing and says why: on the command line, in the
// status, in the journal.
func TestReload_BadFile(t *testing.T) {
	s := newSite(t)
	s.pairOf(slow(web(200)), slow(web(100)))
	before := s.a.transitions("web")
	s.a.write(web(300), group("dns", 52, 100, []netip.Prefix{vip2}))
	began, got := s.a.reload()
	if got.code != 3 || !hasAll(got.err, []string{"holdfast.yaml:10:17", "300", "^", "the one in force stays"}) {
		t.Errorf("reload ended with %d and said:\n%s%s", got.code, got.out, got.err)
	}
	s.a.said(began, "HF2104", "reload changed nothing", "holdfast.yaml:10")
	status := s.a.cli("status")
	if status.code != 20 || !strings.Contains(status.out, "the last reload changed nothing") {
		t.Errorf("status ended with %d and said:\n%s", status.code, status.out)
	}
	// The same by SIGHUP.
	hup := time.Now()
	s.must(s.a.proc.Signal(unix.SIGHUP))
	s.a.said(hup, "HF2104", "reload changed nothing")
	s.more(51, hup, 4)
	s.gaps(51, began, calm)
	if n := s.a.transitions("web"); n != before {
		t.Errorf("%d transitions", n-before)
	}
	s.answers(vip2, "")

	// A file that is gone, too.
	s.must(os.Remove(s.a.file()))
	if _, got := s.a.reload(); got.code == 0 || !strings.Contains(got.err, "holdfast.yaml") {
		t.Errorf("reload without a file ended with %d and said: %s", got.code, got.err)
	}

	// And a good one makes up for it.
	s.a.write(slow(web(200)))
	if _, got := s.a.reload(); got.code != 0 {
		t.Errorf("reload ended with %d and said: %s", got.code, got.err)
	}
	s.within("the status has no complaint about a reload", func() error {
		if got := s.a.cli("status"); strings.Contains(got.out, "reload") {
			return fmt.Errorf("it says:\n%s", got.out)
		}
		return nil
	})
	s.over()
}

// Whatever happens to one group, another one does not notice: no transition,
// no advert late enough to alarm a backup.
func TestReload_OtherGroupsAreLeftAlone(t *testing.T) {
	s := newSite(t)
	dns := func(id, priority int, further ...string) string {
		return group("dns", id, priority, []netip.Prefix{vip2}, further...)
	}
	s.b.start(slow(web(100)), dns(52, 100))
	s.a.start(slow(web(200)), dns(52, 200))
	s.a.becomes("web", "active")
	s.a.becomes("dns", "active")
	s.answers(vip, "a")
	s.answers(vip2, "a")
	began, before := time.Now(), s.a.transitions("web")

	steps := []struct {
		name   string
		groups []string
		after  func()
	}{
		{"another VRID", []string{slow(web(200)), dns(53, 200)}, func() { s.a.becomes("dns", "active"); s.more(53, began, 3) }},
		{"the old VRID", []string{slow(web(200)), dns(52, 200)}, func() { s.a.becomes("dns", "active"); s.answers(vip2, "a") }},
		{"a lower priority", []string{slow(web(200)), dns(52, 50)}, func() { s.a.becomes("dns", "backup"); s.answers(vip2, "b") }},
		{"the physical MAC", []string{slow(web(200)), dns(52, 200, "mac: physical")}, func() { s.a.becomes("dns", "active"); s.answers(vip2, "a") }},
		{"removed", []string{slow(web(200))}, func() { s.answers(vip2, "b") }},
		{"added", []string{slow(web(200)), dns(52, 200)}, func() { s.a.becomes("dns", "active"); s.answers(vip2, "a") }},
	}
	for _, step := range steps {
		s.a.write(step.groups...)
		if _, got := s.a.reload(); got.code != 0 {
			t.Fatalf("%s: reload ended with %d and said: %s", step.name, got.code, got.err)
		}
		step.after()
	}
	s.gaps(51, began, calm)
	if n := s.a.transitions("web"); n != before {
		t.Errorf("the other group had %d transitions", n-before)
	}
	s.answers(vip, "a")
	s.answers(vip6, "a")
	s.over()
}

// The list of a group's addresses can be edited while it is held: no advert is
// missing, nobody takes over, and those who stay answer all the time.
func TestReload_AddressList(t *testing.T) {
	s := newSite(t)
	s.pairOf(slow(web(200)), slow(web(100)))
	p := s.probe(vip)
	began, before := time.Now(), s.a.transitions("web")
	more := netip.MustParsePrefix("192.0.2.30/24")
	more6 := netip.MustParsePrefix("2001:db8::30/64")
	for _, step := range []struct {
		addresses []netip.Prefix
		answers   map[netip.Prefix]string
	}{
		{[]netip.Prefix{vip, vip6, more, more6}, map[netip.Prefix]string{more: "a", more6: "a"}},
		{[]netip.Prefix{more, vip, more6, vip6}, map[netip.Prefix]string{more: "a", more6: "a"}},
		{[]netip.Prefix{vip2, vip, vip6}, map[netip.Prefix]string{vip2: "a", more: "", more6: ""}},
		{[]netip.Prefix{vip, vip6}, map[netip.Prefix]string{vip2: ""}},
	} {
		edit := time.Now()
		s.a.write(slow(group("web", 51, 200, step.addresses)))
		if _, got := s.a.reload(); got.code != 0 || !strings.Contains(got.out, "applies in place") {
			t.Fatalf("reload ended with %d and said: %s%s", got.code, got.out, got.err)
		}
		for address, who := range step.answers {
			s.answers(address, who)
		}
		s.answers(vip, "a")
		s.answers(vip6, "a")
		s.more(51, edit, 3)
	}
	s.gaps(51, began, calm)
	if n := s.a.transitions("web"); n != before {
		t.Errorf("%d transitions", n-before)
	}
	s.b.becomes("web", "backup")
	p.Stop()
	if r := p.Report(time.Time{}, time.Now()); r.Lost > 0 || r.By["b"] > 0 {
		t.Errorf("%d of %d probes were lost, outage %v; answered by %v", r.Lost, r.Sent, r.Longest(), r.By)
	}
	s.over()
}

// `holdfast plan` says what a reload would do, and does nothing.
func TestPlan(t *testing.T) {
	s := newSite(t)
	s.a.start(web(200))
	s.a.becomes("web", "active")
	began, before := time.Now(), s.a.transitions("web")
	s.a.write(web(150), group("dns", 52, 100, []netip.Prefix{vip2}))
	got := s.a.cli("plan", "--exit-code")
	if got.code != 10 || !hasAll(got.out, []string{"web", "vrrp.priority", "200", "150", "applies in place", "dns", "add"}) {
		t.Errorf("plan ended with %d and said:\n%s%s", got.code, got.out, got.err)
	}
	s.more(51, began, 5)
	if g, err := s.a.group("web"); err != nil || g.BasePriority != 200 || g.Transitions != before {
		t.Errorf("plan changed something: %+v, %v", g, err)
	}
	s.answers(vip2, "")
	if kinds := s.a.kinds(began); kinds["config"] > 0 {
		t.Errorf("the journal tells of a change: %v", kinds)
	}
	s.over()
}

// kinds counts the events since an instant by kind.
func (n *node) kinds(since time.Time) map[string]int {
	count := map[string]int{}
	for _, e := range n.events() {
		if !e.Time.Before(since) {
			count[e.Kind]++
		}
	}
	return count
}
