package daemon

import (
	"context"
	"time"

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
		return &agent.Agent{Path: agent.Find(dev.Agent), Parameters: dev.Given(), Start: realtime.Start}
	}, func(ev fence.Event) { d.engine.FenceRan(ev) })
}

// closeAgents waits for what is at work.
func closeAgents(r *agent.Runner) {
	ctx, cancel := context.WithTimeout(context.Background(), fenceEnd)
	defer cancel()
	r.Close(ctx)
}
