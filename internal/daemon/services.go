package daemon

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"os/exec"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/balance/pools"
	"github.com/holdfast-net/holdfast/internal/balance/proxy/apart"
	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/linux/capability"
	"github.com/holdfast-net/holdfast/internal/linux/realtime"
)

// runPools begins to serve services, and gives what ends it.
func (d *Daemon) runPools(ctx context.Context, socket string) (end func()) {
	d.pools = pools.New(pools.Options{
		Kernel:  func() (balance.Plane, error) { return d.openKernel(socket) },
		Clear:   func() error { return d.clearKernel(socket) },
		Keep:    func() bool { return d.passed },
		Proxy:   func() (balance.Plane, error) { return apart.Start(proxyCommand(), realtime.Start) },
		Placed:  d.placedServices,
		InPlace: d.mirrored, Viewed: d.mirror.Viewed,
		Record: func(r pools.Record) {
			d.note(api.Event{Kind: "service", Code: r.Code, Service: r.Service, Reason: r.Reason})
		},
	})
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); d.pools.Run(ctx) }()
	return func() { cancel(); <-done }
}

// proxyCommand is how the proxy is started: from the file that runs, as a
// guardian is.
func proxyCommand() *exec.Cmd {
	cmd := guardCommand(nil)
	cmd.Args = []string{os.Args[0], apart.Command}
	return cmd
}

// Proxy is the whole life of the process that joins the connections of services.
// It needs none of what a daemon may do.
func Proxy() error {
	if err := capability.Drop(); err != nil {
		return fmt.Errorf("cannot be a proxy: %w", err)
	}
	return apart.Main(os.Stdin)
}

// applyServices brings the services in line with a configuration.
func (d *Daemon) applyServices(ctx context.Context, cfg *config.Config) error {
	wanted := make([]pools.Wanted, len(cfg.Services))
	for i := range cfg.Services {
		s := &cfg.Services[i]
		seed, err := seedOf(cfg, s)
		if err != nil {
			return err
		}
		wanted[i] = pools.Wanted{Service: s.Service, Seed: seed}
	}
	front := frontOf(cfg)
	d.front.Store(&front)
	return d.pools.Apply(ctx, wanted)
}

// Backends tells how services and what stands behind them are.
func (d *Daemon) Backends(ctx context.Context) (api.Backends, error) {
	ctx, cancel := context.WithTimeout(ctx, snapshotBound)
	defer cancel()
	b := api.Backends{Schema: api.SchemaBackends, Node: d.current.Load().cfg.Node, Now: time.Now(), Services: []api.Service{}}
	views, err := d.pools.Snapshot(ctx)
	if err != nil {
		return b, err
	}
	why := map[string]string{}
	for _, s := range d.current.Load().cfg.Services {
		why[s.Name] = s.Why
	}
	for _, v := range views {
		s := describeService(v)
		s.ForwardWhy = why[s.Name]
		b.Services = append(b.Services, s)
	}
	for _, p := range d.pools.Latest().Planes {
		for _, h := range p.Hooks {
			b.Hooks = append(b.Hooks, api.Hook{Interface: h.Interface, Hook: h.Hook, Why: h.Why})
		}
	}
	if len(b.Services) > 0 && d.current.Load().cfg.Flows.Port != 0 {
		r, err := d.mirror.Report(ctx)
		if err != nil {
			return b, err
		}
		b.Flows = describeMirror(r)
	}
	return b, nil
}

func describeService(v pools.View) api.Service {
	nobody := v.Usage[0]
	s := api.Service{
		Name: v.Service.Name, Listen: []string{}, Scheduler: v.Service.Scheduler.String(), Forward: v.Service.Forward.String(),
		Served: v.Mode.String(), Following: v.Following, Generation: v.Generation,
		Refused: nobody.Refused, Limited: nobody.Limited, Flows: nobody.Flows, Drops: maps.Clone(nobody.Drops), Backends: []api.Backend{},
	}
	switch {
	case v.Unserved != "":
		s.Served, s.Unserved = balance.ModeNobody.String(), v.Unserved
	case !v.Settled:
		s.Served = "nobody yet: backends are being checked"
	}
	for _, at := range v.Service.Listen {
		s.Listen = append(s.Listen, at.String())
	}
	shares := shares(v.Plan)
	for _, row := range v.Backends {
		u := v.Usage[row.ID]
		b := api.Backend{
			Address: row.Addr.String(), State: row.State.String(), Why: row.Why, Silent: row.Silent, Weight: row.Weight, Share: shares[row.ID],
			Backup: row.Backup, Sorry: row.Sorry, MaxFlows: row.MaxFlows, Flows: u.Flows, New: u.New,
			BytesIn: u.BytesIn, BytesOut: u.BytesOut, PacketsIn: u.PacketsIn, PacketsOut: u.PacketsOut, Failures: u.Dropped, Drops: u.Drops,
		}
		if !row.Due.IsZero() {
			b.DrainsTo = &row.Due
		}
		s.Backends = append(s.Backends, b)
		for why, n := range u.Drops {
			if s.Drops == nil {
				s.Drops = map[string]uint64{}
			}
			s.Drops[why] += n
		}
	}
	return s
}

// shares is how much of the new flows each target gets, in percent, by ID.
func shares(p *balance.Plan) map[uint32]float64 {
	out := map[uint32]float64{}
	if p == nil {
		return out
	}
	if p.Select == balance.Least { // the table names each once
		var all float64
		for _, i := range p.Table {
			all += float64(p.Targets[i].Weight)
		}
		for _, i := range p.Table {
			out[p.Targets[i].ID] = 100 * float64(p.Targets[i].Weight) / all
		}
		return out
	}
	for _, i := range p.Table {
		out[p.Targets[i].ID]++
	}
	for id := range out {
		out[id] *= 100 / float64(len(p.Table))
	}
	return out
}

// OrderBackend changes what is wanted of a backend.
func (d *Daemon) OrderBackend(ctx context.Context, o api.BackendOrder) (api.Result, error) {
	no := func(text, hint string) (api.Result, error) {
		return api.Result{Schema: api.SchemaResult, Text: text, Hint: hint}, nil
	}
	addr, err := netip.ParseAddrPort(o.Backend)
	if err != nil {
		return no(fmt.Sprintf("%q is no address with a port", o.Backend), "backends are listed by: holdfast backends")
	}
	var ev balance.Event
	text := fmt.Sprintf("backend %s of %s ", addr, o.Service)
	asked := balance.Asked{Backend: addr, By: o.Who, Within: time.Duration(o.Within), Cut: o.Cut}
	switch o.Want {
	case api.BackendDrain:
		asked.Wish = balance.WishDrain
		ev, text = asked, text+"gets no new flows"
	case api.BackendDown:
		asked.Wish = balance.WishDown
		ev, text = asked, text+"is taken down"
	case api.BackendUp:
		ev, text = asked, text+"is what its checks say"
	case api.BackendWeight:
		w := balance.Weighed{Backend: addr, Reset: o.Weight == nil, By: o.Who}
		text += "has the configured weight"
		if o.Weight != nil {
			w.Weight = *o.Weight
			text = fmt.Sprintf("backend %s of %s has weight %d", addr, o.Service, w.Weight)
		}
		ev = w
	default:
		return no(fmt.Sprintf("%q is nothing that a backend can be asked for", o.Want), "drain, down, up and weight are")
	}
	err = d.pools.Ask(ctx, o.Service, ev)
	if refused, ok := errors.AsType[*pools.Refused](err); ok {
		return no(refused.Reason, "services and backends are listed by: holdfast backends")
	}
	return api.Result{Schema: api.SchemaResult, OK: err == nil, Text: text}, err
}

// describeServices adds services to a status, as they were counted last.
func (d *Daemon) describeServices(ctx context.Context, st *api.Status) {
	latest := d.pools.Latest()
	for _, v := range latest.Services {
		st.Services = append(st.Services, describeService(v))
	}
	for _, p := range latest.Planes {
		x := api.Plane{Name: p.Name, Hook: p.Hook, Tables: []api.Table{}}
		for _, t := range p.Tables {
			x.Tables = append(x.Tables, api.Table{Name: t.Name, Used: t.Used, Size: t.Size})
		}
		for _, t := range p.Ports {
			x.Ports = append(x.Ports, api.Ports{Service: t.Service, Address: t.Address.String(), Backend: t.Backend.String(), Used: t.Used, Size: t.Size})
		}
		st.Planes = append(st.Planes, x)
	}
	if len(st.Services) > 0 && d.current.Load().cfg.Flows.Port != 0 {
		if r, err := d.mirror.Report(ctx); err == nil {
			st.Flows = describeMirror(r)
		}
	}
}
