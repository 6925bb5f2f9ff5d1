package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/api/apitest"
)

// fakeDaemon answers everything at once.
func fakeDaemon() *apitest.Daemon {
	d := &apitest.Daemon{State: apitest.Status()}
	d.Append(apitest.Events()...)
	d.OnPlan = func(context.Context) (api.Plan, error) { return apitest.Plan(), nil }
	d.OnReload = func(context.Context) (api.Plan, error) {
		p := apitest.Plan()
		p.Applied = true
		return p, nil
	}
	d.OnHandover = func(_ context.Context, group string, h api.Handover) (api.Result, error) {
		return api.Result{OK: true, Text: fmt.Sprintf("%s moved to %q", group, h.To)}, nil
	}
	d.OnMaintenance = func(_ context.Context, m api.Maintenance) (api.Result, error) {
		return api.Result{OK: true, Text: fmt.Sprintf("on=%t force=%t", m.On, m.Force)}, nil
	}
	return d
}

// running is a server on a control socket that ends with the test.
type running struct {
	*Server
	path string
	http *http.Client
}

func run(t *testing.T, o Options, a Access) *running {
	t.Helper()
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Version = apitest.Version()
	path := filepath.Join(t.TempDir(), "holdfast.sock")
	l, err := Listen(path, a)
	if err != nil {
		t.Fatal(err)
	}
	s := New(o)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- s.ServeControl(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	dial := func(context.Context, string, string) (net.Conn, error) { return net.Dial("unix", path) }
	c := &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
	return &running{s, path, c}
}

// ask sends a request and reads the whole answer.
func ask(t *testing.T, c *http.Client, method, path, body string) (int, []byte) {
	t.Helper()
	req, err := http.NewRequest(method, "http://holdfast"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, data
}

func TestServer_Answers(t *testing.T) {
	d := fakeDaemon()
	r := run(t, Options{Daemon: d}, Access{})
	tests := []struct {
		method, path, body string
		status             int
		want               string // in the answer
	}{
		{"GET", "/v1/status", "", 200, `"schema": "holdfast/v1/Status"`},
		{"GET", "/v1/version", "", 200, `"kernel": "6.18.0"`},
		{"GET", "/v1/plan", "", 200, `"field": "vrrp.priority"`},
		{"POST", "/v1/reload", "", 200, `"applied": true`},
		{"POST", "/v1/groups/web/handover", `{"to":"lb2"}`, 200, `web moved to \"lb2\"`},
		{"POST", "/v1/groups/web/handover", "", 200, `web moved to \"\"`},
		{"POST", "/v1/groups/nope/handover", "", 404, `the groups here: web, dns`},
		{"POST", "/v1/maintenance", `{"on":true,"force":true}`, 200, `on=true force=true`},
		{"POST", "/v1/maintenance", `{"onn":true}`, 400, `unknown field \"onn\"`},
		{"POST", "/v1/maintenance", `{`, 400, `cannot read the request`},
		{"POST", "/v1/maintenance", `{"on":` + strings.Repeat(" ", maxBody) + `true}`, 413, `too large`},
		{"GET", "/v1/reload", "", 405, `use POST`},
		{"POST", "/v1/status", "", 405, `use GET`},
		{"GET", "/v2/status", "", 404, `there is no /v2/status here`},
		{"GET", "/metrics", "", 404, `there is no /metrics here`},
		{"GET", "/v1/events?limit=-1", "", 400, `limit is a number of events`},
		{"GET", "/v1/events?since=5", "", 400, `there is no parameter`},
		{"GET", "/v1/events?after=x", "", 400, `after is an event's id`},
	}
	for _, tt := range tests {
		t.Run(tt.method+tt.path, func(t *testing.T) {
			status, answer := ask(t, r.http, tt.method, tt.path, tt.body)
			if status != tt.status || !strings.Contains(string(answer), tt.want) {
				t.Errorf("%d %s\nwant %d with %s", status, answer, tt.status, tt.want)
			}
			var doc struct{ Schema string }
			if err := json.Unmarshal(answer, &doc); err != nil || !strings.HasPrefix(doc.Schema, "holdfast/v1/") {
				t.Errorf("the answer names no schema (%v): %s", err, answer)
			}
		})
	}
}

func TestServer_PagesTheJournal(t *testing.T) {
	r := run(t, Options{Daemon: fakeDaemon()}, Access{})
	tests := []struct {
		query string
		want  []uint64
	}{
		{"", []uint64{101, 102, 103, 104, 105, 106, 107}},
		{"?after=104", []uint64{105, 106, 107}},
		{"?after=107", []uint64{}},
		{"?limit=2", []uint64{101, 102}},
		{"?last=2", []uint64{106, 107}},
		{"?group=web", []uint64{102, 103, 104}},
		{"?group=web&after=102&limit=1", []uint64{103}},
		{"?group=web&last=1", []uint64{104}},
	}
	for _, tt := range tests {
		_, answer := ask(t, r.http, "GET", "/v1/events"+tt.query, "")
		var page api.Events
		if err := json.Unmarshal(answer, &page); err != nil {
			t.Fatal(err)
		}
		got := []uint64{}
		for _, ev := range page.Events {
			got = append(got, ev.ID)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.query, diff)
		}
		if bytes.Contains(answer, []byte("null")) || page.Node != "lb1" {
			t.Errorf("%s: %s", tt.query, answer)
		}
	}
}

// hinted is an error as the daemon returns it.
type hinted struct{}

func (hinted) Error() string { return "cannot reach the engine: it is stopping" }
func (hinted) Hint() string  { return "wait for it" }

func TestServer_SaysWhatWentWrong(t *testing.T) {
	d := fakeDaemon()
	d.OnReload = func(context.Context) (api.Plan, error) { return apitest.BadPlan(), nil }
	d.OnHandover = func(context.Context, string, api.Handover) (api.Result, error) {
		return api.Result{Text: "no node can take web over", Hint: "start one"}, nil
	}
	d.OnMaintenance = func(context.Context, api.Maintenance) (api.Result, error) { return api.Result{}, hinted{} }
	d.OnPlan = func(context.Context) (api.Plan, error) {
		return api.Plan{}, fmt.Errorf("cannot plan: %w", context.DeadlineExceeded)
	}
	r := run(t, Options{Daemon: d}, Access{})
	tests := []struct {
		method, path string
		status       int
		want         []string
	}{
		{"POST", "/v1/reload", 422, []string{`"applied": false`, `HF1107`}},
		{"POST", "/v1/groups/web/handover", 409, []string{`"ok": false`, `no node can take web over`, `start one`}},
		{"POST", "/v1/maintenance", 500, []string{`cannot reach the engine`, `wait for it`}},
		{"GET", "/v1/plan", 504, []string{`did not finish within 2m0s`}},
	}
	for _, tt := range tests {
		status, answer := ask(t, r.http, tt.method, tt.path, "")
		if status != tt.status {
			t.Errorf("%s: status %d, want %d", tt.path, status, tt.status)
		}
		for _, want := range tt.want {
			if !strings.Contains(string(answer), want) {
				t.Errorf("%s: no %q in %s", tt.path, want, answer)
			}
		}
	}
}

func TestServer_CommandOutlivesItsClient(t *testing.T) {
	began, finished := make(chan struct{}), make(chan error, 1)
	release := make(chan struct{})
	d := fakeDaemon()
	d.OnHandover = func(ctx context.Context, _ string, _ api.Handover) (api.Result, error) {
		close(began)
		<-release
		finished <- ctx.Err()
		return api.Result{OK: true}, nil
	}
	r := run(t, Options{Daemon: d}, Access{})
	ctx, cancel := context.WithCancel(context.Background())
	go func() { <-began; cancel() }()
	req, err := http.NewRequestWithContext(ctx, "POST", "http://holdfast/v1/groups/web/handover", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.http.Do(req); !errors.Is(err, context.Canceled) {
		t.Fatalf("error = %v", err)
	}
	close(release)
	if err := <-finished; err != nil {
		t.Errorf("the command was cancelled with its client: %v", err)
	}
}

func TestServer_ReadOnlyOnTCP(t *testing.T) {
	metrics := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "holdfast_vip_active 1") })
	s := New(Options{Daemon: fakeDaemon(), Metrics: metrics, Log: slog.New(slog.DiscardHandler)})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- s.ServeReadOnly(ctx, l) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	c := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(context.Context, string, string) (net.Conn, error) { return net.Dial("tcp", l.Addr().String()) },
	}}
	for _, tt := range []struct {
		method, path string
		status       int
		want         string
	}{
		{"GET", "/v1/status", 200, `"node": "lb1"`},
		{"GET", "/metrics", 200, "holdfast_vip_active 1"},
		{"POST", "/v1/reload", 403, "nothing can be changed over TCP"},
		{"POST", "/v1/groups/web/handover", 403, "use the control socket"},
	} {
		if status, answer := ask(t, c, tt.method, tt.path, ""); status != tt.status || !strings.Contains(string(answer), tt.want) {
			t.Errorf("%s %s: %d %s", tt.method, tt.path, status, answer)
		}
	}
}

func TestServer_StopsWithClientsConnected(t *testing.T) {
	s := New(Options{Daemon: fakeDaemon(), Log: slog.New(slog.DiscardHandler)})
	path := filepath.Join(t.TempDir(), "s")
	l, err := Listen(path, Access{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- s.ServeControl(ctx, l) }()
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "GET /v1/events?follow=1 HTTP/1.1\r\nHost: x\r\n\r\n")
	if _, err := c.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	cancel()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("a follower holds up the stop")
	}
	if _, err := net.Dial("unix", path); err == nil {
		t.Error("the socket still answers")
	}
}

func TestServer_BoundsConnections(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := limit(inner, 1)
	accepted := make(chan net.Conn)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				close(accepted)
				return
			}
			accepted <- c
		}
	}()
	for range 2 {
		c, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	first := <-accepted
	select {
	case <-accepted:
		t.Fatal("two connections where one is allowed")
	case <-time.After(50 * time.Millisecond):
	}
	first.Close()
	first.Close() // twice is harmless
	second := <-accepted
	l.Close()
	second.Close()
	if _, ok := <-accepted; ok {
		t.Error("accepted after Close")
	}
}
