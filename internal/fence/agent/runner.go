package agent

import (
	"context"
	"sync"

	"github.com/holdfast-net/holdfast/internal/fence"
	"github.com/holdfast-net/holdfast/internal/program"
)

// Runner runs agents for a fencer. Its methods never block, but Close does.
type Runner struct {
	find func(device, node string) *Agent
	post func(fence.Event)

	mu      sync.Mutex
	running map[uint64]program.Process
	ending  sync.WaitGroup
}

// NewRunner makes a runner. find gives the agent of a device as it is used for
// a node, and post takes how runs ended, from any goroutine.
func NewRunner(find func(device, node string) *Agent, post func(fence.Event)) *Runner {
	return &Runner{find: find, post: post, running: map[uint64]program.Process{}}
}

// Do carries out what a fencer asks for.
func (r *Runner) Do(acts []fence.Action) {
	for i := range acts {
		switch a := acts[i]; a.Kind {
		case fence.ActionRun:
			r.ending.Go(func() { r.run(a) })
		case fence.ActionKill:
			r.mu.Lock()
			p, ok := r.running[a.Run]
			r.mu.Unlock()
			if ok {
				p.Kill()
			}
		}
	}
}

func (r *Runner) run(a fence.Action) {
	agent := r.find(a.Device, a.Node)
	if agent == nil {
		r.post(fence.Ran(a.Run, false, "it is not in the file any more"))
		return
	}
	p, err := agent.start(string(a.Op))
	if err != nil {
		r.post(fence.Ran(a.Run, false, err.Error()))
		return
	}
	r.mu.Lock()
	r.running[a.Run] = p
	r.mu.Unlock()
	<-p.Done
	r.mu.Lock()
	delete(r.running, a.Run)
	r.mu.Unlock()
	if err := Failure(p.Outcome()); err != nil {
		r.post(fence.Ran(a.Run, false, err.Error()))
		return
	}
	r.post(fence.Ran(a.Run, true, ""))
}

// Close waits for the agents that run, and ends them when ctx does.
func (r *Runner) Close(ctx context.Context) {
	done := make(chan struct{})
	go func() { r.ending.Wait(); close(done) }()
	select {
	case <-done:
		return
	case <-ctx.Done():
	}
	r.mu.Lock()
	for _, p := range r.running {
		p.Kill()
	}
	r.mu.Unlock()
	<-done
}
