package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/api/server"
	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/group"
	"github.com/holdfast-net/holdfast/internal/hook"
	"github.com/holdfast-net/holdfast/internal/linux/hands"
	"github.com/holdfast-net/holdfast/internal/linux/realtime"
	"github.com/holdfast-net/holdfast/internal/linux/watch"
	"github.com/holdfast-net/holdfast/internal/metrics"
)

// Links lists the interfaces of this machine as the file's checks want them.
func Links() ([]config.Link, error) {
	w, err := watch.New(func(engine.Change) {})
	if err != nil {
		return nil, fmt.Errorf("cannot list interfaces: %w", err)
	}
	defer func() { _ = w.Close() }()
	links, err := w.Links()
	if err != nil {
		return nil, fmt.Errorf("cannot list interfaces: %w", err)
	}
	return knownLinks(links), nil
}

func knownLinks(links []engine.Link) []config.Link {
	out := make([]config.Link, len(links))
	for i, l := range links {
		out[i] = config.Link{Name: l.Name, Addresses: l.Addresses}
	}
	return out
}

// memory is where the hands remember, beside the control socket, what a
// killed run must put back.
func memory(socket string) string { return filepath.Dir(socket) }

// Release removes what a daemon that was killed left in the kernel. It is for
// ExecStopPost= of the unit.
//
// Its guardian may be at it already, and takes less than the time that this
// waits for it.
func Release(socket string) (did []string, err error) {
	for begun := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		turn, err := hands.TakeTurn()
		if err == nil {
			defer turn.End()
			return sweepAll(turn, memory(socket))
		}
		if !errors.Is(err, hands.ErrLocked) || time.Since(begun) > 2*time.Second {
			return nil, err
		}
	}
}

// raise makes the process punctual, or says why it is not.
func (d *Daemon) raise(cfg *config.Config) {
	if cfg.Realtime.Mode == config.RealtimeOff {
		d.realtime = api.Realtime{Detail: "switched off in the file"}
		return
	}
	report := realtime.Tune(cfg.Realtime.Priority)
	d.realtime = api.Realtime{On: report[0].Err == nil, Detail: report.String()}
	for _, refused := range report.Refused() {
		d.note(api.Event{Kind: "daemon", Code: "HF2107", Reason: "adverts may be late on a busy machine: " + refused})
	}
}

// sweep removes what an earlier run left behind.
func (d *Daemon) sweep(turn *hands.Turn, socket string) {
	did, err := sweepAll(turn, memory(socket))
	for _, text := range did {
		d.note(api.Event{Kind: "address", Code: "HF2006", Reason: "left by an earlier run: " + text})
	}
	if err != nil {
		d.note(api.Event{Kind: "notice", Code: "HF2109", Reason: fmt.Sprintf("cannot clean up after an earlier run: %v", err)})
	}
}

// newHooks makes the runner of the groups' programs.
func (d *Daemon) newHooks() *hook.Runner {
	return hook.New(hook.Options{Record: d.note, Start: realtime.Start})
}

// runHook starts what the file wants done when a group becomes to.
func (d *Daemon) runHook(ev api.Event, to group.State) {
	cfg := d.current.Load().cfg
	for i := range cfg.Groups {
		g := &cfg.Groups[i]
		if g.Name != ev.Group {
			continue
		}
		d.hooks.Submit(hook.Event{
			Group: g.Name, State: ev.To, From: ev.From, Reason: ev.Reason, Addresses: g.Addresses,
			Interface: g.Interface, Node: cfg.Node, Run: programFor(g.Run, to), Timeout: g.Run.Timeout,
		})
	}
}

func programFor(r config.Run, s group.State) []string {
	switch s {
	case group.Active:
		return r.Active
	case group.Backup:
		return r.Backup
	case group.Fault:
		return r.Fault
	}
	return nil
}

// serve opens the control socket, and the HTTP address if the file has one.
func (d *Daemon) serve(ctx context.Context, cfg *config.Config, socket string, face api.Daemon) error {
	l, err := server.Listen(socket, server.Access{Group: cfg.Control.Group})
	if err != nil {
		return err
	}
	s := server.New(server.Options{Daemon: face, Version: d.opt.Version, Log: d.opt.Log, Metrics: metrics.Handler(face.Status)})
	d.served.Go(func() { d.until("control socket", func() error { return s.ServeControl(ctx, l) }) })
	if cfg.HTTP.Listen == "" {
		return nil
	}
	h, err := net.Listen("tcp", cfg.HTTP.Listen)
	if err != nil {
		_ = l.Close()
		return fmt.Errorf("cannot listen on %s: %w", cfg.HTTP.Listen, err)
	}
	d.served.Go(func() { d.until("http", func() error { return s.ServeReadOnly(ctx, h) }) })
	return nil
}

// until records a face that ended before it should.
func (d *Daemon) until(what string, serve func() error) {
	if err := serve(); err != nil {
		d.note(api.Event{Kind: "notice", Code: "HF2110", Reason: fmt.Sprintf("%s: %v", what, err)})
	}
}

func diagnostics(ds config.Diagnostics) []api.Diagnostic {
	out := []api.Diagnostic{}
	for i := range ds {
		d := &ds[i]
		var b strings.Builder
		_ = ds[i:i+1].Render(&b, config.Plain)
		out = append(out, api.Diagnostic{
			Severity: d.Severity.String(), Rule: d.Rule, File: d.File, Line: d.Line, Column: d.Column,
			Message: d.Message, Hint: d.Hint, Rendered: b.String(),
		})
	}
	return out
}
