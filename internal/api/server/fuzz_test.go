package server

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
)

// FuzzHandler asks for anything, as root, as a member of the group, as nobody
// and over TCP: every question is answered with a document, and only root
// changes something.
func FuzzHandler(f *testing.F) {
	for who := range byte(4) {
		for _, r := range Routes() {
			path := strings.ReplaceAll(r.Path, "{name}", "web")
			f.Add(who, r.Method, path, "", `{"to":"lb2"}`)
			f.Add(who, "DELETE", path, "", "")
		}
		f.Add(who, "GET", "/v1/trace?service=shop&backend=10.0.0.11:443&client=198.51.100.0/24&snap=64", "", "")
		f.Add(who, "GET", "/v1/backends/explain?from=198.51.100.7:40000&to=shop", "", "")
		f.Add(who, "GET", "/v1/events?follow=1&last=2&group=web", "7", "")
		f.Add(who, "GET", "/v1/events?after=18446744073709551615&limit=1", "-1", "")
		f.Add(who, "POST", "/v1/maintenance", "", `{"on":true,"force":true}`)
		f.Add(who, "POST", "/v1/groups/%2e%2e%2f/handover", "", `{"to":5}`)
		f.Add(who, "GET", "//v1/../metrics?%zz", "", "[[[[")
		f.Add(who, "CONNECT", "*", "", "")
	}
	f.Fuzz(func(t *testing.T, who byte, method, target, lastID, body string) {
		root := who&3 == 0
		d := fakeDaemon()
		changed := func() {
			if !root || method != http.MethodPost {
				t.Errorf("somebody changed something: %d %s %s", who&3, method, target)
			}
		}
		handover, maintenance, reload := d.OnHandover, d.OnMaintenance, d.OnReload
		d.OnHandover = func(ctx context.Context, group string, h api.Handover) (api.Result, error) {
			changed()
			if !slices.ContainsFunc(d.State.Groups, func(g api.Group) bool { return g.Name == group }) {
				t.Errorf("the daemon is asked for a group %q, which is not here", group)
			}
			return handover(ctx, group, h)
		}
		d.OnMaintenance = func(ctx context.Context, m api.Maintenance) (api.Result, error) {
			changed()
			return maintenance(ctx, m)
		}
		d.OnReload = func(ctx context.Context) (api.Plan, error) {
			changed()
			return reload(ctx)
		}
		d.OnFence = func(context.Context, api.Fence) (api.Result, error) {
			changed()
			return api.Result{OK: true}, nil
		}
		d.OnFencing = func(context.Context) (api.Fencing, error) { return api.Fencing{}, nil }
		d.OnBackends = func(context.Context) (api.Backends, error) { return api.Backends{}, nil }
		d.OnExplainFlow = func(context.Context, string, string) (api.FlowExplanation, error) { return api.FlowExplanation{}, nil }
		d.OnTrace = func(context.Context, api.TraceQuery, func(*api.TracedPacket) bool) error { return nil }
		d.OnOrder = func(context.Context, api.BackendOrder) (api.Result, error) { return api.Result{}, nil }
		d.OnUpgrade = func(context.Context) (api.Result, error) {
			changed()
			return api.Result{OK: true}, nil
		}
		u, err := url.ParseRequestURI(target)
		if err != nil {
			return // the HTTP server has refused it
		}
		var g guard = Access{gid: 7, uid: 1}
		p := [...]peer{{uid: 0}, {uid: 5, groups: []int{7}}, {uid: 5}, {}}[who&3]
		if who&3 == 3 {
			g = readOnly{}
		}
		// A stream ends when the client goes, which this one soon does.
		ctx, cancel := context.WithTimeout(context.WithValue(t.Context(), peerKey{}, p), time.Millisecond)
		defer cancel()
		req := (&http.Request{
			Method: method, URL: u, RequestURI: target, Host: "holdfast", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: http.Header{"Last-Event-Id": {lastID}}, Body: http.NoBody,
		}).WithContext(ctx)
		req.Body = readCloser{strings.NewReader(body)}
		w := httptest.NewRecorder()
		New(Options{Daemon: d, Log: slog.New(slog.DiscardHandler)}).handler(g).ServeHTTP(w, req)
		switch {
		case w.Code < 200 || w.Code >= 600:
			t.Errorf("status %d", w.Code)
		case w.Header().Get("Content-Type") == "application/json" && !json.Valid(w.Body.Bytes()):
			t.Errorf("not a document: %q", w.Body)
		case who&3 == 2 && w.Code < 300:
			t.Errorf("nobody is answered %d: %q", w.Code, w.Body)
		}
	})
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }
