package daemon_test

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
)

// service is a web server on a node that answers with the status it is told.
type service struct{ status atomic.Int32 }

func (n *node) serve() *service {
	n.s.t.Helper()
	sv := &service{}
	sv.status.Store(200)
	var l net.Listener
	n.s.must(n.host.Do(func() (err error) {
		l, err = net.Listen("tcp", "127.0.0.1:8080")
		return err
	}))
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(int(sv.status.Load())) })}
	go func() { _ = srv.Serve(l) }()
	n.s.t.Cleanup(func() { _ = srv.Close() })
	return sv
}

// using is a group's text with the checks it uses.
func using(group, checks string) string { return group + "    checks: " + checks + "\n" }

const nginx = "checks:\n  nginx: {http: \"http://127.0.0.1:8080/\", interval: 100ms, timeout: 2s, rise: 2, fall: 2}\n"

// check waits until a check of a node is as wanted.
func (n *node) check(what, name string, want func(c api.CheckState) bool) {
	n.s.t.Helper()
	n.s.within(fmt.Sprintf("check %s of %s %s", name, n.name, what), func() error {
		s, err := n.status()
		if err != nil {
			return err
		}
		for _, c := range s.Checks {
			if c.Name == name {
				if want(c) {
					return nil
				}
				return fmt.Errorf("it is %+v", c)
			}
		}
		return errors.New("there is none")
	})
}

// The service on the holder fails: the node hands over as it would when asked,
// so that no packet of a client is lost, and takes back what is its own when
// the service is well again. What was seen is everywhere where somebody might
// look for it.
func TestCheck_TakesTheHolderAway(t *testing.T) {
	s := newSite(t)
	sv := s.a.serve()
	s.pairOf(using(web(200), "[nginx]")+nginx, web(100))
	p := s.probe(vip)
	failed := time.Now()
	sv.status.Store(503)
	s.b.becomes("web", "active")
	s.a.becomes("web", "fault")
	s.answers(vip, "b")
	s.within("the client reaches b", func() error {
		if p.Report(time.Time{}, time.Now()).By["b"] < 1000 {
			return errors.New("not for a second yet")
		}
		return nil
	})
	if r := p.Report(time.Time{}, time.Now()); r.Lost > 0 {
		t.Errorf("the client lost %d of %d packets in a move that could be planned: %v", r.Lost, r.Sent, r.Outages)
	}
	s.a.said(failed, "", "check nginx is down: HTTP 503", "wanted 200")
	s.a.said(failed, "", "check nginx failed: HTTP 503", "wanted 200")
	g, err := s.a.group("web")
	s.must(err)
	if c := g.Checks[0]; c.Up || c.State != "down" || c.Kind != "http" || !hasAll(c.Detail, []string{"HTTP 503", "wanted 200"}) {
		t.Errorf("the status has %+v", c)
	}
	if out := s.a.cli("status", "web").out; !hasAll(out, []string{"nginx", "http", "fails", "veto", "HTTP 503"}) {
		t.Errorf("status web says:\n%s", out)
	}
	s.a.check("is counted", "nginx", func(c api.CheckState) bool { return c.Failed >= 2 && c.Passed > 0 && c.Changes == 1 })

	sv.status.Store(200)
	s.a.becomes("web", "active")
	s.b.becomes("web", "backup")
	s.a.said(failed, "", "check nginx is up: HTTP 200")
	s.over()
}

// A weight moves the priority, and who has the higher one holds.
func TestCheck_Weighs(t *testing.T) {
	s := newSite(t)
	sv := s.a.serve()
	load := filepath.Join(s.dir, "load")
	s.must(os.WriteFile(load, []byte("0\n"), 0o644))
	s.pairOf(using(web(150), "{nginx: {weight: 80}, load: {weight: 1}}")+nginx+
		"  load: {file: {path: "+load+", value: true, times: -10}, interval: 100ms}\n", web(100))
	priority := func(want uint8) {
		t.Helper()
		s.within(fmt.Sprintf("the priority is %d", want), func() error {
			g, err := s.a.group("web")
			if err == nil && g.Priority != want {
				err = fmt.Errorf("it is %d", g.Priority)
			}
			return err
		})
	}
	sv.status.Store(500)
	s.b.becomes("web", "active")
	s.a.becomes("web", "backup")
	priority(70)
	sv.status.Store(200)
	s.a.becomes("web", "active")
	priority(150)
	s.must(os.WriteFile(load, []byte("7\n"), 0o644))
	priority(80)
	s.b.becomes("web", "active")
	s.a.becomes("web", "backup")
	s.must(os.WriteFile(load, []byte("0\n"), 0o644))
	s.a.becomes("web", "active")
	s.b.becomes("web", "backup")
	s.over()
}

// A program that hangs, and all that it started, is killed at its timeout,
// time and again, and counted; none is left.
func TestCheck_KillsWhatHangs(t *testing.T) {
	s := newSite(t)
	program, hang := filepath.Join(s.dir, "ready"), filepath.Join(s.dir, "hang")
	s.must(os.WriteFile(program, []byte("#!/bin/sh\ntrap '' TERM\n[ -e "+hang+" ] || { echo fine; exit 0; }\nsleep 3600 &\nsleep 3600\n"), 0o755))
	s.pairOf(using(web(200), "[ready]")+"checks:\n  ready: {exec: ["+program+"], interval: 300ms, timeout: 2s, rise: 1, fall: 1}\n", web(100))
	before := len(s.a.host.Processes())
	s.must(os.WriteFile(hang, nil, 0o644))
	s.b.becomes("web", "active")
	s.a.becomes("web", "fault")
	s.a.check("times out again and again", "ready", func(c api.CheckState) bool { return c.Timeouts >= 2 && c.State == "down" })
	s.must(os.Remove(hang))
	s.a.becomes("web", "active")
	s.within("no program is left", func() error {
		if n := len(s.a.host.Processes()); n > before+1 { // one may run just now
			return fmt.Errorf("%d processes, and %d before", n, before)
		}
		return nil
	})
	s.over()
}

// A reload that leaves a check as it is leaves its state alone, too; one that
// adds a check takes the holder away when that has failed, and not before.
func TestCheck_Reload(t *testing.T) {
	s := newSite(t)
	s.a.serve()
	s.pairOf(using(web(200), "[nginx]")+nginx, web(100))
	s.a.check("has passed", "nginx", func(c api.CheckState) bool { return c.Passed >= 5 })
	began := time.Now()
	missing := filepath.Join(s.dir, "missing")
	more := "  file: {file: " + missing + ", interval: 100ms}\n  slow: {exec: [/bin/sleep, \"3\"], timeout: 10s, interval: 10s}\n"
	s.a.write(using(web(200), "[nginx, slow, {file: {weight: 20}}]") + nginx + more)
	plan := s.a.cli("plan").out
	if !hasAll(plan, []string{"checks.file.file", missing, "checks.slow.exec"}) {
		t.Errorf("plan says:\n%s", plan)
	}
	if _, got := s.a.reload(); got.code != 0 {
		t.Fatalf("reload: %s%s", got.out, got.err)
	}
	s.within("the priority is 180", func() error {
		g, err := s.a.group("web")
		if err == nil && g.Priority != 180 {
			err = fmt.Errorf("it is %d", g.Priority)
		}
		return err
	})
	s.a.check("is known", "slow", func(c api.CheckState) bool { return c.State == "up" })
	s.a.check("goes on", "nginx", func(c api.CheckState) bool { return c.Passed >= 10 && c.Changes == 0 })
	for _, e := range s.a.events() {
		if e.Kind == "transition" && e.Time.After(began) {
			t.Errorf("the reload moved the group: %s", e.Reason)
		}
	}
	s.a.write(using(web(200), "[nginx, file]") + nginx + strings.SplitAfter(more, "\n")[0])
	if _, got := s.a.reload(); got.code != 0 {
		t.Fatalf("reload: %s%s", got.out, got.err)
	}
	s.a.becomes("web", "fault")
	s.b.becomes("web", "active")
	s.a.write(web(200))
	if _, got := s.a.reload(); got.code != 0 {
		t.Fatalf("reload: %s%s", got.out, got.err)
	}
	s.a.becomes("web", "active")
	s.over()
}
