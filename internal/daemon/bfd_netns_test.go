package daemon_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sessions is how often a node's sessions of BFD came up.
func (n *node) sessions() int { return strings.Count(n.log.String(), " to=up ") }

// refuses tells whether the status warns of a neighbour whose packets are
// refused.
func (n *node) refuses(why string) error {
	st, err := n.status()
	if err != nil {
		return err
	}
	for _, w := range st.Warnings {
		if w.Code == "HF2028" && strings.Contains(w.Text, why) {
			return nil
		}
	}
	return fmt.Errorf("warnings: %+v", st.Warnings)
}

// Two nodes watch each other with signed packets (meticulous keyed SHA1). With
// another key on one side neither takes the other for watched, the status says
// why, and VRRP goes on; with the right key all is well without a restart.
func TestBFD_Auth(t *testing.T) {
	s := newSite(t)
	key := func(name, secret string) string {
		path := filepath.Join(s.dir, name)
		s.must(os.WriteFile(path, []byte(secret), 0o600))
		return fmt.Sprintf("bfd: {interval: 50ms, multiplier: 5, auth: {file: %s}}", path)
	}
	right, wrong := key("right", "a secret of 20 bytes"), key("wrong", "another secret")
	s.a.start(web(200, right))
	s.b.start(web(100, wrong))
	s.a.becomes("web", "active")
	s.b.becomes("web", "backup")
	s.answers(vip, "a")
	for _, n := range []*node{s.a, s.b} {
		s.within(n.name+" says whose packets are refused", func() error { return n.refuses("authentication failed") })
		if n.sessions() != 0 {
			t.Errorf("%s has a session with a neighbour that has another key", n.name)
		}
	}

	s.b.write(web(100, right))
	if got := s.b.cli("reload"); got.code != 0 {
		t.Fatalf("reload: %d\n%s%s", got.code, got.out, got.err)
	}
	up := func(n *node, times int) {
		t.Helper()
		s.within(fmt.Sprintf("%s watches its neighbours", n.name), func() error {
			if got := n.sessions(); got < times {
				return fmt.Errorf("%d sessions came up, not %d", got, times)
			}
			return nil
		})
	}
	up(s.a, 2) // IPv4 and IPv6
	up(s.b, 2)

	// A key that changes while the session is up, first on one side.
	next := key("next", "the next secret")
	for _, n := range []*node{s.a, s.b} {
		n.write(web(map[*node]int{s.a: 200, s.b: 100}[n], next))
		if got := n.cli("reload"); got.code != 0 {
			t.Fatalf("reload: %d\n%s%s", got.code, got.out, got.err)
		}
	}
	up(s.a, 4)
	up(s.b, 4)
	s.answers(vip, "a")
	for _, n := range []*node{s.a, s.b} {
		g, err := n.group("web")
		s.must(err)
		if want := map[*node]string{s.a: "active", s.b: "backup"}[n]; g.State != want {
			t.Errorf("%s is %s in the end: %s", n.name, g.State, g.Reason)
		}
	}
	s.over()
}

// Only one side signs.
func TestBFD_AuthMissing(t *testing.T) {
	s := newSite(t)
	path := filepath.Join(s.dir, "key")
	s.must(os.WriteFile(path, []byte("a secret of 20 bytes"), 0o600))
	s.a.start(web(200, fmt.Sprintf("bfd: {interval: 50ms, multiplier: 5, auth: {file: %s}}", path)))
	s.b.start(web(100, "bfd: {interval: 50ms, multiplier: 5}"))
	s.a.becomes("web", "active")
	s.b.becomes("web", "backup")
	s.within("a says what is missing", func() error { return s.a.refuses("not authenticated") })
	s.within("b says what it did not expect", func() error { return s.b.refuses("authenticated unexpectedly") })
	if n := s.a.sessions() + s.b.sessions(); n != 0 {
		t.Errorf("%d sessions came up", n)
	}
	st, err := s.a.status()
	s.must(err)
	if st.Groups[0].State != "active" {
		t.Errorf("a is %s", st.Groups[0].State)
	}
	s.over()
}
