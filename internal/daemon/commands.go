package daemon

import (
	"context"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/engine"
)

// snapshotBound is how long a reader waits for a loop that does not answer.
const snapshotBound = 5 * time.Second

// Status describes the node as it is now. When the loop does not answer, it
// is the last status known, and says so first.
func (d *Daemon) Status() *api.Status {
	ctx, cancel := context.WithTimeout(context.Background(), snapshotBound)
	defer cancel()
	snap, err := d.engine.Snapshot(ctx)
	if err != nil {
		return d.stale()
	}
	st := describe(snap, d.doors.counters)
	d.checks.describe(st)
	st.Stores = d.leases.describe()
	l := d.current.Load()
	d.clients.describe(st, l.cfg)
	st.Version, st.Started, st.Realtime = d.opt.Version.Version, d.started, d.realtime
	st.Guardian, st.Gate = d.guarded.describe(), describeGate(d.doors.line)
	st.Config = describeConfig(l.cfg, l.at, l.last)
	d.describeServices(ctx, st)
	st.Warnings = d.warnings(st)
	d.last.Store(st)
	return st
}

func (d *Daemon) stale() *api.Status {
	st := &api.Status{
		Schema: api.SchemaStatus, Node: d.current.Load().cfg.Node, Version: d.opt.Version.Version, Started: d.started,
		Groups: []api.Group{}, Links: []api.Link{},
	}
	if last := d.last.Load(); last != nil {
		c := *last
		st = &c
	}
	st.Warnings = append([]api.Warning{{
		Code: "HF2108", Since: st.Now,
		Text: "the engine does not answer: what follows is old, or nothing",
	}}, st.Warnings...)
	return st
}

// Events lists the journal.
func (d *Daemon) Events(after uint64, limit int) ([]api.Event, <-chan struct{}) {
	return d.journal.After(after, limit)
}

// Handover moves a group to another node.
func (d *Daemon) Handover(ctx context.Context, group string, h api.Handover) (api.Result, error) {
	r, err := d.engine.Handover(ctx, group, h.To)
	return result(r), err
}

// Maintenance switches maintenance.
func (d *Daemon) Maintenance(ctx context.Context, m api.Maintenance) (api.Result, error) {
	r, err := d.engine.Maintenance(ctx, m.On, m.Force)
	return result(r), err
}

func result(r engine.CommandResult) api.Result {
	return api.Result{Schema: api.SchemaResult, OK: r.OK, Text: r.Text, Hint: r.Hint}
}
