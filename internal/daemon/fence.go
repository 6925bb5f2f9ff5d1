package daemon

import (
	"context"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/fence"
	"github.com/holdfast-net/holdfast/internal/fence/agent"
	"github.com/holdfast-net/holdfast/internal/linux/realtime"
)

// fenceEnd is how long an agent that is at work may go on when the daemon ends:
// what it has begun is better done.
const fenceEnd = 10 * time.Second

// newAgents makes the runner of the file's fence agents.
func (d *Daemon) newAgents() *agent.Runner {
	return agent.NewRunner(func(device, _ string) *agent.Agent {
		f := d.current.Load().cfg.Fence
		if f == nil {
			return nil
		}
		dev, ok := f.Device(device)
		if !ok {
			return nil
		}
		a := agent.Of(dev)
		a.Start = realtime.Start
		return a
	}, func(ev fence.Event) { d.engine.FenceRan(ev) })
}

// closeAgents waits for what is at work.
func closeAgents(r *agent.Runner) {
	ctx, cancel := context.WithTimeout(context.Background(), fenceEnd)
	defer cancel()
	r.Close(ctx)
}

// Fence fences a node because a person wants it, and Confirm takes a person's
// word that it is off.
func (d *Daemon) Fence(ctx context.Context, f api.Fence) (api.Result, error) {
	act := d.engine.Fence
	if f.Confirm {
		act = d.engine.FenceConfirm
	}
	r, err := act(ctx, f.Node, f.Who)
	return result(r), err
}

// Fencing describes who can be fenced, and whether the watchdog runs.
func (d *Daemon) Fencing(ctx context.Context) (api.Fencing, error) {
	f, err := d.engine.Fencing(ctx)
	if err != nil {
		return api.Fencing{}, err
	}
	return describeFencing(f), nil
}

func describeFencing(f engine.Fencing) api.Fencing {
	out := api.Fencing{Schema: api.SchemaFencing, Watchdog: "not asked for", Nodes: []api.FenceNode{}}
	switch {
	case f.Armed:
		out.Watchdog = "runs"
	case f.Watchdog:
		out.Watchdog = "stopped"
	}
	if f.Watchdog {
		out.Device, out.Timeout = f.Device.Device, api.Duration(f.Device.Timeout)
	}
	if !f.Fed.IsZero() {
		out.Fed = &f.Fed
	}
	for i := range f.Nodes {
		n := &f.Nodes[i]
		x := api.FenceNode{
			Node: n.Node, State: n.State.String(), How: n.Fenced, Why: n.Why, Failure: n.Failure, Waiting: n.Waiting, Levels: n.Levels, Pending: n.Pending(),
		}
		if l := n.Last; !l.Began.IsZero() {
			x.Last = &api.FenceAttempt{Began: l.Began, Took: milliseconds(l.Took), OK: l.OK, Level: l.Level, Text: l.Text, Why: l.Why}
		}
		if !n.Since.IsZero() {
			x.Since = &n.Since
		}
		out.Nodes = append(out.Nodes, x)
	}
	return out
}

// fencing puts it into a status where there is something of it.
func fencing(f engine.Fencing) *api.Fencing {
	if !f.Watchdog && len(f.Nodes) == 0 {
		return nil
	}
	out := describeFencing(f)
	return &out
}
