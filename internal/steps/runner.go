package steps

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"sync"

	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/order"
	"github.com/holdfast-net/holdfast/internal/program"
)

// Options are what a Runner works with.
type Options struct {
	// Dir is where the books are; it is made when the first one is written.
	Dir string
	// Post takes the answers to actions. It must not block, nor call the
	// Runner.
	Post func(group string, ev order.Event)
	// Start starts a program; nil: (*exec.Cmd).Start. See program.Command.
	Start func(*exec.Cmd) error
	// Environ is what HOLDFAST_* is added to; nil: the daemon's own.
	Environ []string
	// Node is this node's name.
	Node string
	// Kernel has the steps that need no program; nil: they fail.
	Kernel Kernel
	// Bus connects to systemd; nil: the system's.
	Bus func(context.Context) (Bus, error)
	// Agents is where OCF agents are; empty: /usr/lib/ocf.
	Agents string
}

// Kernel is the door to what the kernel holds. Both may be called for what is
// there, or gone, already.
type Kernel interface {
	Put(config.Step) error
	Remove(config.Step) error
}

// Runner runs the steps of all groups.
type Runner struct {
	opt  Options
	busy sync.WaitGroup

	mu     sync.Mutex
	groups map[string]*worker
	closed bool
}

// worker is one group's: at most one step and one write at a time.
type worker struct {
	alone  bool               // nothing runs any more that an earlier process had begun
	kill   context.CancelFunc // nil: nothing runs
	under  *Running           // the program that runs, if one does
	writes []order.Action     // that wait, and the first of them that is under way
}

// New returns a Runner; it starts nothing.
func New(o Options) *Runner {
	if o.Environ == nil {
		o.Environ = os.Environ()
	}
	if o.Bus == nil {
		o.Bus = systemBus
	}
	if o.Agents == "" {
		o.Agents = "/usr/lib/ocf"
	}
	return &Runner{opt: o, groups: map[string]*worker{}}
}

// Do carries out the actions of a group's order.Machine that are for a runner,
// and leaves the others alone. It never blocks.
func (r *Runner) Do(group string, actions []order.Action) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.groups[group]
	if w == nil {
		w = &worker{}
		r.groups[group] = w
	}
	for _, a := range actions {
		switch a.Kind {
		case order.ActionSave:
			w.writes = append(w.writes, a)
			if len(w.writes) == 1 {
				r.begin(func() { r.write(group, w) })
			}
		case order.ActionRun:
			ctx, cancel := context.WithDeadline(context.Background(), a.Run.Deadline.Add(order.Grace))
			w.kill = cancel
			r.begin(func() { r.run(ctx, group, w, a.Run) })
		case order.ActionKill:
			if w.kill != nil {
				w.kill()
			}
		}
	}
}

// begin starts work, unless the Runner is closed: what is asked for then is never
// answered, like that of a daemon that was killed.
func (r *Runner) begin(work func()) {
	if r.closed {
		return
	}
	r.busy.Add(1)
	go func() {
		defer r.busy.Done()
		work()
	}()
}

// write writes what waits, in its order. A write that hangs holds no step up:
// what has to be undone is undone.
func (r *Runner) write(group string, w *worker) {
	for {
		r.mu.Lock()
		a := w.writes[0]
		r.mu.Unlock()
		err := r.save(group, a.Book)
		r.mu.Lock()
		w.writes = w.writes[1:]
		last := len(w.writes) == 0
		r.mu.Unlock()
		r.opt.Post(group, order.Saved(a.Serial, err))
		if last {
			return
		}
	}
}

// run runs a step to its end.
func (r *Runner) run(ctx context.Context, group string, w *worker, run order.Run) {
	var output string
	err := r.clear(ctx, group, w)
	if err == nil {
		output, err = r.step(ctx, run)
	}
	r.mu.Lock()
	w.kill()
	w.kill = nil
	r.mu.Unlock()
	r.opt.Post(group, order.StepDone(err, output))
}

// step does one thing, or undoes it.
func (r *Runner) step(ctx context.Context, run order.Run) (output string, err error) {
	var s Spec
	if err := json.Unmarshal(run.Step.Spec, &s); err != nil {
		return "", fmt.Errorf("cannot read what the step is: %w", err)
	}
	leaving := run.Direction == order.Leaving
	switch {
	case s.Unit != "":
		return r.unit(ctx, s.Unit, leaving)
	case s.OCF != nil:
		return r.ocf(ctx, s, run)
	case s.Address != nil || s.Route != nil || s.Rule != nil || s.Sysctl != nil:
		if r.opt.Kernel == nil {
			return "", fmt.Errorf("cannot do %s: there is no way to the kernel here", run.Step.Name)
		}
		if leaving {
			return "", r.opt.Kernel.Remove(s.Step)
		}
		return "", r.opt.Kernel.Put(s.Step)
	}
	argv := s.argv(run)
	if len(argv) == 0 {
		return "", nil
	}
	out, err := r.program(ctx, &run, s.User, argv, r.environment(s, run))
	if err == nil {
		err = out.Failure()
	}
	return out.Output, err
}

// program runs a program to its end, and kills it when ctx is over. With a run
// it belongs to a step, and what it is marked with is on disk while it runs.
func (r *Runner) program(ctx context.Context, run *order.Run, user string, argv, env []string) (program.Outcome, error) {
	c := program.Command{Argv: argv, Env: env, Start: r.opt.Start, Mark: program.NewMark()}
	if user != "" {
		who, err := program.Lookup(user, "")
		if err != nil {
			return program.Outcome{}, err
		}
		c.Account, c.Env = &who, append(c.Env, who.Environment()...)
	}
	if run != nil {
		erase, err := r.note(run, c.Mark)
		if err != nil {
			return program.Outcome{}, err
		}
		defer erase()
	}
	p := program.Start(c)
	if run != nil {
		r.under(run.Group, &Running{Group: run.Group, Step: run.Step.Name, Direction: run.Direction, Argv: argv, PID: p.PID})
		defer r.under(run.Group, nil)
	}
	select {
	case <-p.Done:
	case <-ctx.Done():
		p.Kill()
		<-p.Done
	}
	return p.Outcome(), nil
}

// Close begins nothing any more, kills what runs, and returns when all of it has
// ended or ctx is over. Writes are finished.
func (r *Runner) Close(ctx context.Context) {
	r.mu.Lock()
	r.closed = true
	for _, w := range r.groups {
		if w.kill != nil {
			w.kill()
		}
	}
	r.mu.Unlock()
	done := make(chan struct{})
	go func() {
		r.busy.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
}
