package daemon_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/balance/mirror"
	"github.com/holdfast-net/holdfast/internal/lab"
)

// mirrors waits until a node has what the holder has, since an instant.
func (n *node) mirrors(since time.Time) {
	n.s.t.Helper()
	n.said(since, mirror.CodeSynced, "group web")
}

// A connection through full NAT in turn survives what ends a balancer, and what
// brings it back.
func TestMirror_ConnectionsSurviveTheBalancer(t *testing.T) {
	s := newSite(t)
	for _, w := range []*server{s.server(11), s.server(12)} {
		w.listen(s, ":8080")
	}
	const at = "192.0.2.10:80"
	file := spreading("full-nat", at+"/tcp", 8080, "192.0.2.11", "192.0.2.12")
	began := time.Now()
	s.pairOf(web(200, signed)+file, web(100, signed)+file)
	s.a.becomes("web", "active")
	s.spread(at, "w11 192.0.2.10", "w12 192.0.2.10")
	s.b.mirrors(began)
	flows := []*download{s.download(at), s.download(at)} // in turn, one each
	goOn := func(when string) {
		t.Helper()
		for _, f := range flows {
			f.goesOn(s, when)
		}
	}
	goOn("at the beginning")
	for _, c := range []struct {
		what string
		do   func()
	}{
		{"the holder's link was cut", func() {
			s.must(s.a.host.Cut(lab.Carrier))
			s.b.becomes("web", "active")
		}},
		{"it came back and took the address back", func() {
			s.must(s.a.host.Restore())
			since := time.Now()
			s.a.becomes("web", "active")
			s.a.mirrors(since.Add(-time.Minute))
			s.b.mirrors(since)
		}},
		{"it handed over", func() {
			since := time.Now()
			if got := s.a.cli("handover", "web"); got.code != 0 {
				t.Fatalf("handover: %s", got.err)
			}
			s.b.becomes("web", "active")
			s.a.mirrors(since)
		}},
		{"its successor was killed", func() {
			pid := s.b.pid()
			s.must(unix.Kill(pid, unix.SIGKILL))
			s.gone(pid)
			s.a.becomes("web", "active")
		}},
	} {
		before := time.Now()
		c.do()
		goOn("after " + c.what)
		t.Logf("after %s (%s in all): no flow stood still for more than %s", c.what, time.Since(before).Round(time.Millisecond), longest(flows))
	}
	goOn("at the end")
	if n := s.said("HF3013"); n != "" {
		t.Errorf("the nodes have different tables: %s", n)
	}
}

// A connection that no node knows ends soon: its client is told so, and need not
// wait until it has lost its patience.
func TestMirror_WhatNobodyKnowsEndsSoon(t *testing.T) {
	s := newSite(t)
	s.server(11).listen(s, ":8080")
	const at = "192.0.2.10:80"
	file := spreading("full-nat", at+"/tcp", 8080, "192.0.2.11") + "flows: {port: 0}\n"
	s.pairOf(web(200, signed)+file, web(100, signed)+file)
	s.a.becomes("web", "active")
	s.spread(at, "w11 192.0.2.10")
	c, err := s.connect(at)
	s.must(err)
	defer c.Close()
	s.must(s.a.host.Cut(lab.Carrier))
	s.b.becomes("web", "active")
	_, err = io.WriteString(c, "GET / HTTP/1.0\r\n\r\n")
	s.must(err)
	s.must(c.SetDeadline(time.Now().Add(patience)))
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, unix.ECONNRESET) {
		t.Errorf("the client hears %v", err)
	}
	s.within("it is counted", func() error {
		if d := s.b.backends().Services[0].Drops; d["unknown"] == 0 {
			return fmt.Errorf("drops: %v", d)
		}
		return nil
	})
	s.spread(at, "w11 192.0.2.10") // it can try again
}

// longest is the longest time in which a download got nothing, since it was
// asked last.
func longest(flows []*download) time.Duration {
	var most time.Duration
	for _, f := range flows {
		most = max(most, time.Duration(f.gap.Swap(0)))
	}
	return most.Round(time.Millisecond)
}

// said is what any node records with a code.
func (s *site) said(code string) string {
	var out []string
	for _, n := range []*node{s.a, s.b} {
		for _, e := range n.events() {
			if e.Code == code {
				out = append(out, fmt.Sprintf("%s: %s", n.name, e.Reason))
			}
		}
	}
	return strings.Join(out, "\n")
}

// A follower goes by the holder's view of the backends, and does what the
// holder was asked for when it takes over.
func TestMirror_OneView(t *testing.T) {
	s := newSite(t)
	for _, w := range []*server{s.server(11), s.server(12)} {
		w.listen(s, ":8080")
	}
	const at = "192.0.2.10:80"
	file := spreading("full-nat", at+"/tcp", 8080, "192.0.2.11", "192.0.2.12")
	s.pairOf(web(200, signed)+file, web(100, signed)+file)
	s.a.becomes("web", "active")
	s.within("b goes by a's view", func() error {
		if b := s.b.backends(); len(b.Services) == 0 || !b.Services[0].Following {
			return errors.New("it does not")
		}
		return nil
	})
	if got := s.b.cli("backends", "drain", "shop", "192.0.2.12:8080"); got.code == 0 || !strings.Contains(got.err, "ask that one") {
		t.Errorf("a follower takes orders: exit %d, %s%s", got.code, got.out, got.err)
	}
	if got := s.a.cli("backends", "down", "shop", "192.0.2.12:8080"); got.code != 0 {
		t.Fatalf("down: %s", got.err)
	}
	s.within("b knows what a was asked for", func() error {
		for _, x := range s.b.backends().Services[0].Backends {
			if x.Address == "192.0.2.12:8080" && x.State != "down" {
				return fmt.Errorf("it is %s: %s", x.State, x.Why)
			}
		}
		return nil
	})
	if got := s.a.cli("handover", "web"); got.code != 0 {
		t.Fatalf("handover: %s", got.err)
	}
	s.b.becomes("web", "active")
	s.spread(at, "w11 192.0.2.10")
	if n := s.said("HF3013"); n != "" {
		t.Errorf("the nodes have different tables: %s", n)
	}
	s.over()
}
