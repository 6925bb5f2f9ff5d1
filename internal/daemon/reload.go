package daemon

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/config"
)

// Plan compares the file on disk with the one in force.
func (d *Daemon) Plan(context.Context) (api.Plan, error) {
	_, plan, err := d.plan()
	return plan, err
}

func (d *Daemon) plan() (*config.Config, api.Plan, error) {
	plan := api.Plan{Schema: api.SchemaPlan, Changes: []api.Change{}, Diagnostics: []api.Diagnostic{}}
	links, err := d.watch.Links()
	if err != nil {
		return nil, plan, fmt.Errorf("cannot list interfaces: %w", err)
	}
	cfg, diags := config.Load(d.opt.ConfigPath, here(knownLinks(links)))
	plan.Diagnostics = diagnostics(diags)
	if diags.HasErrors() {
		return nil, plan, nil
	}
	plan.Changes = changes(config.Diff(d.current.Load().cfg, cfg))
	return cfg, plan, nil
}

// Reload applies the file on disk. A file with errors changes nothing.
func (d *Daemon) Reload(ctx context.Context) (api.Plan, error) {
	d.reload.Lock()
	defer d.reload.Unlock()
	d.notify.send("RELOADING=1")
	defer func() { d.notify.ready(fmt.Sprintf("%d groups", len(d.current.Load().cfg.Groups))) }()

	cfg, plan, err := d.plan()
	switch {
	case err != nil:
		return plan, d.refused(err.Error(), err)
	case cfg == nil:
		return plan, d.refused("the file has errors: "+firstError(plan.Diagnostics), nil)
	}
	if cfg.Cluster != nil {
		if err := raiseTerm(cfg, 0); err != nil {
			d.opt.Log.Warn("cannot remember how long promises last", "err", err)
		}
	}
	if err := d.steps.prepare(ctx, cfg); err != nil {
		return plan, d.refused(err.Error(), err)
	}
	d.awaitServices(cfg)
	if err := d.engine.Apply(ctx, cfg); err != nil {
		return plan, d.refused(err.Error(), err)
	}
	if err := d.applyServices(ctx, cfg); err != nil {
		return plan, err
	}
	d.checks.apply(cfg)
	d.clients.apply(cfg)
	d.applyMirror(cfg)
	d.current.Store(&loaded{cfg: cfg, at: time.Now(), last: "ok"})
	plan.Applied = true
	d.note(api.Event{Kind: "config", Reason: "reloaded: " + summary(plan.Changes)})
	return plan, nil
}

// refused notes that a reload changed nothing, and why.
func (d *Daemon) refused(why string, err error) error {
	old := d.current.Load()
	d.current.Store(&loaded{cfg: old.cfg, at: old.at, last: why})
	d.note(api.Event{Kind: "config", Code: "HF2104", Reason: "reload changed nothing: " + why})
	return err
}

func summary(changes []api.Change) string {
	if len(changes) == 0 {
		return "nothing changed"
	}
	var parts []string
	for _, c := range changes {
		parts = append(parts, strings.TrimSpace(c.Action+" "+c.Group+" "+c.Field))
	}
	const most = 8
	if len(parts) > most {
		parts = append(parts[:most], fmt.Sprintf("and %d more", len(changes)-most))
	}
	return strings.Join(parts, ", ")
}

func firstError(ds []api.Diagnostic) string {
	for _, x := range ds {
		if x.Severity == "error" {
			return fmt.Sprintf("%s:%d: %s", x.File, x.Line, x.Message)
		}
	}
	return "unknown"
}

// changes turns the difference of two files into rows: one for a group that
// comes or goes, one for each field that changes.
func changes(diff []config.Change) []api.Change {
	out := []api.Change{}
	for _, c := range diff {
		switch c.Kind {
		case config.Added:
			out = append(out, api.Change{Group: c.Group, Action: "add", Effect: "starts as backup and takes part in the election"})
		case config.Removed:
			out = append(out, api.Change{Group: c.Group, Action: "remove", Effect: "is handed over if it is held here, then forgotten"})
		default:
			for _, f := range c.Fields {
				out = append(out, api.Change{
					Group: c.Group, Action: action(f.Effect), Field: f.Path, From: f.From, To: f.To, Effect: effect(f.Effect),
				})
			}
		}
	}
	return out
}

func action(e config.Effect) string {
	if e == config.Election {
		return "restart"
	}
	return "change"
}

func effect(e config.Effect) string {
	switch e {
	case config.Election:
		return "the group is handed over if it is held here, and starts anew"
	case config.Daemon:
		return "takes effect when the daemon is restarted"
	default:
		return "applies in place: no advert is lost"
	}
}
