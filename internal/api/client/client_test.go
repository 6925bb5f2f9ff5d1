package client

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/api/apitest"
	"github.com/holdfast-net/holdfast/internal/api/server"
)

// serve runs a server for d until the returned func is called, which waits
// for its end.
func serve(t *testing.T, path string, d api.Daemon) (stop func()) {
	t.Helper()
	l, err := server.Listen(path, server.Access{})
	if err != nil {
		t.Fatal(err)
	}
	s := server.New(server.Options{Daemon: d, Version: apitest.Version(), Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.ServeControl(ctx, l) }()
	stop = func() {
		cancel()
		if err, ok := <-done; ok && err != nil {
			t.Error(err)
		}
		close(done)
	}
	return stop
}

func TestClient_AsksAndCommands(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	d := &apitest.Daemon{State: apitest.Status()}
	d.Append(apitest.Events()...)
	d.OnPlan = func(context.Context) (api.Plan, error) { return apitest.Plan(), nil }
	d.OnReload = func(context.Context) (api.Plan, error) { return apitest.BadPlan(), nil }
	d.OnHandover = func(_ context.Context, group string, h api.Handover) (api.Result, error) {
		return api.Result{Text: group + " to " + h.To, Hint: "no"}, nil
	}
	d.OnMaintenance = func(context.Context, api.Maintenance) (api.Result, error) {
		return api.Result{}, errors.New("cannot do it")
	}
	defer serve(t, path, d)()
	ctx, c := t.Context(), Dial(path)

	status, err := c.Status(ctx)
	if diff := cmp.Diff(apitest.Status(), status); err != nil || diff != "" {
		t.Errorf("status: %v (-want +got):\n%s", err, diff)
	}
	version, err := c.Version(ctx)
	if diff := cmp.Diff(apitest.Version(), version); err != nil || diff != "" {
		t.Errorf("version: %v (-want +got):\n%s", err, diff)
	}
	events, err := c.Events(ctx, Query{After: 102, Group: "web", Limit: 5, Last: 1})
	if err != nil || len(events.Events) != 1 || events.Events[0].ID != 104 {
		t.Errorf("events: %v %+v", err, events)
	}
	plan, err := c.Plan(ctx)
	if err != nil || len(plan.Changes) != 2 || plan.Failed() {
		t.Errorf("plan: %v %+v", err, plan)
	}
	plan, err = c.Reload(ctx)
	if err != nil || !plan.Failed() || plan.Applied {
		t.Errorf("reload: %v %+v", err, plan)
	}
	r, err := c.Handover(ctx, "web", api.Handover{To: "lb2"})
	if diff := cmp.Diff(api.Result{Schema: api.SchemaResult, Text: "web to lb2", Hint: "no"}, r); err != nil || diff != "" {
		t.Errorf("handover: %v (-want +got):\n%s", err, diff)
	}
	var refused *Refused
	if _, err = c.Handover(ctx, "a/b ?", api.Handover{}); !errors.As(err, &refused) || refused.Status != 404 || refused.Error() != "there is no group a/b ?" {
		t.Errorf("handover of an unknown group: %v", err)
	}
	if _, err = c.Maintenance(ctx, api.Maintenance{On: true}); !errors.As(err, &refused) || refused.Error() != "cannot do it" {
		t.Errorf("maintenance: %v", err)
	}
}

func TestClient_NamesAnUnreachableDaemon(t *testing.T) {
	dir := t.TempDir()
	dead := filepath.Join(dir, "dead")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: dead})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	rude := filepath.Join(dir, "rude")
	closing, err := net.Listen("unix", rude)
	if err != nil {
		t.Fatal(err)
	}
	defer closing.Close()
	go func() {
		for {
			c, err := closing.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	for _, tt := range []struct {
		name, path, want string
		is               error
	}{
		{"no socket", filepath.Join(dir, "none"), "no such file or directory", fs.ErrNotExist},
		{"nobody listens", dead, "connection refused", nil},
		{"a daemon that hangs up", rude, "", nil}, // EOF or a reset
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Dial(tt.path).Status(t.Context())
			var u *Unreachable
			if !errors.As(err, &u) || u.Socket != tt.path || u.Hint() == "" {
				t.Fatalf("error = %#v", err)
			}
			if want := "cannot reach the daemon on " + tt.path + ": "; !strings.HasPrefix(err.Error(), want) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want %s%s", err, want, tt.want)
			}
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("%v is not %v", err, tt.is)
			}
		})
	}
	if hint := (&Unreachable{Err: os.ErrPermission}).Hint(); !strings.Contains(hint, "sudo") {
		t.Errorf("hint where permission is missing: %s", hint)
	}
}

func TestDial_ClientsThatWereLetGoHoldNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	defer serve(t, path, &apitest.Daemon{State: apitest.Status()})()
	// More than the 256 connections that a daemon accepts at a time.
	for i := range 300 {
		if _, err := Dial(path).Status(t.Context()); err != nil {
			t.Fatalf("client %d: %v", i+1, err)
		}
	}
}

func TestClient_GivesUpWithItsContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path) // accepts by its backlog, never answers
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := Dial(path).Status(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error = %v", err)
	}
}

func TestFollow_GoesOnAfterARestartOfTheDaemon(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	d := &apitest.Daemon{State: apitest.Status()}
	d.Append(apitest.Events()...)
	stop := serve(t, path, d)

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ids, lost, back := make(chan uint64, 100), make(chan error, 10), make(chan struct{}, 10)
	done := make(chan error, 1)
	go func() {
		done <- Dial(path).Follow(ctx, Query{Last: 2}, Watcher{
			Event: func(ev api.Event) error { ids <- ev.ID; return nil },
			Lost:  func(err error) { lost <- err },
			Back:  func() { back <- struct{}{} },
		})
	}()
	want(t, ids, 106, 107)
	stop()
	select {
	case err := <-lost:
		var u *Unreachable
		if !errors.As(err, &u) {
			t.Errorf("lost with %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("not told that the daemon is gone")
	}
	d.Append(api.Event{Reason: "while nobody listened"})
	stop = serve(t, path, d)
	defer stop()
	select {
	case <-back:
	case <-time.After(10 * time.Second):
		t.Fatal("not told that the daemon is back")
	}
	d.Append(api.Event{Reason: "after"})
	want(t, ids, 108, 109)
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Follow = %v", err)
	}
	if len(ids)+len(lost)+len(back) != 0 {
		t.Errorf("too much was told: %d events, %d lost, %d back", len(ids), len(lost), len(back))
	}
}

func want(t *testing.T, ids <-chan uint64, wanted ...uint64) {
	t.Helper()
	for _, w := range wanted {
		select {
		case id := <-ids:
			if id != w {
				t.Fatalf("event %d, want %d", id, w)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("event %d did not come", w)
		}
	}
}

func TestFollow_EndsWithItsWatcher(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	d := &apitest.Daemon{State: apitest.Status()}
	d.Append(apitest.Events()...)
	defer serve(t, path, d)()
	full := errors.New("disk full")
	err := Dial(path).Follow(t.Context(), Query{}, Watcher{Event: func(api.Event) error { return full }})
	if !errors.Is(err, full) {
		t.Errorf("Follow = %v", err)
	}
}

func TestFollow_FailsAtOnceWithoutADaemon(t *testing.T) {
	err := Dial(filepath.Join(t.TempDir(), "none")).Follow(t.Context(), Query{}, Watcher{})
	var u *Unreachable
	if !errors.As(err, &u) {
		t.Errorf("Follow = %v", err)
	}
}
