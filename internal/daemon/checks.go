package daemon

import (
	"context"
	"fmt"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/holdfast-net/holdfast/bfd"
	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/balance/pools"
	"github.com/holdfast-net/holdfast/internal/check"
	"github.com/holdfast-net/holdfast/internal/check/local"
	"github.com/holdfast-net/holdfast/internal/check/probe"
	"github.com/holdfast-net/holdfast/internal/check/run"
	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/linux/look"
	"github.com/holdfast-net/holdfast/internal/linux/realtime"
)

// checks asks the checks of the file, and tells the engine.
type checks struct {
	run     *run.Runner
	kernel  *look.Look
	awaited atomic.Pointer[map[string]bool] // checks that steps wait for
	nudge   chan struct{}                   // news of links and addresses; holds one
	done    chan struct{}
	end     context.CancelFunc
}

// newChecks makes them and begins to work; nothing is asked before specs are
// applied.
func newChecks(ctx context.Context, node string, e *engine.Engine, p *pools.Pools) (*checks, error) {
	kernel, err := look.New()
	if err != nil {
		return nil, fmt.Errorf("cannot look at the kernel's tables: %w", err)
	}
	c := &checks{kernel: kernel, nudge: make(chan struct{}, 1), done: make(chan struct{})}
	env := local.Env{
		Kernel: kernel, Processes: local.NewProcesses(), Node: node, Start: realtime.Start,
		Session: func(peer netip.Addr, dev string) (string, bool, bool) { return session(ctx, e, peer, dev) },
		Heard:   func(node string) (time.Duration, bool) { return heard(ctx, e, node) },
	}
	tell := func(name string, change check.Change) {
		e.Checked(name, change)
		p.Checked(name, change)
	}
	c.run = run.New(run.Options{Tell: tell, Looked: c.looked(e), Probe: func(k check.Kind) check.Probe { return probeOf(k, env) }})
	ctx, c.end = context.WithCancel(ctx)
	go func() {
		defer close(c.done)
		c.run.Run(ctx)
	}()
	go c.listen(ctx)
	return c, nil
}

// close ends what is under way.
func (c *checks) close() {
	c.end()
	<-c.done
	_ = c.kernel.Close() // it was read from only
}

// apply brings the checks in line with a configuration.
func (c *checks) apply(cfg *config.Config) {
	awaited := map[string]bool{}
	for i := range cfg.Groups {
		for _, name := range cfg.Groups[i].Ready {
			awaited[name] = true
		}
	}
	c.awaited.Store(&awaited)
	specs := make([]check.Spec, len(cfg.Checks))
	for i := range cfg.Checks {
		specs[i] = cfg.Checks[i].Spec
	}
	c.run.Apply(specs)
}

// looked tells the engine of the looks that steps wait for: each of them, as only
// those count that began after the steps had ended.
func (c *checks) looked(e *engine.Engine) func(string, check.Seen, time.Time) {
	return func(name string, s check.Seen, begun time.Time) {
		if awaited := c.awaited.Load(); awaited != nil && (*awaited)[name] {
			e.Looked(name, s, begun)
		}
	}
}

// changed hears that the kernel's links or addresses changed.
func (c *checks) changed() {
	select {
	case c.nudge <- struct{}{}:
	default:
	}
}

// calm is how long news of the kernel is gathered: a node that takes over
// thousands of addresses makes as many.
const calm = 5 * time.Millisecond

func (c *checks) listen(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.nudge:
		}
		c.run.Nudge(func(k check.Kind) bool {
			switch k.(type) {
			case check.Link, check.Address, check.Route:
				return true
			}
			return false
		})
		select {
		case <-ctx.Done():
			return
		case <-time.After(calm):
		}
	}
}

// probeOf makes the probe of a kind. One that cannot be made (a certificate
// that is not there yet) fails with the reason, and is made at a later look.
func probeOf(k check.Kind, env local.Env) check.Probe {
	build := func() (check.Probe, error) {
		switch k.(type) {
		case check.TCP, check.TLS, check.HTTP, check.Script, check.Postgres, check.DNS, check.UDP, check.Ping, check.GRPC:
			return probe.New(k)
		}
		return local.New(k, env)
	}
	p, err := build()
	if err == nil {
		return p
	}
	return &unmade{build: build}
}

// unmade is a probe that could not be made yet.
type unmade struct {
	build func() (check.Probe, error)
	probe check.Probe
}

// Try makes the probe, and looks.
func (u *unmade) Try(ctx context.Context) check.Seen {
	if u.probe == nil {
		p, err := u.build()
		if err != nil {
			return check.Failed(err.Error())
		}
		u.probe = p
	}
	return u.probe.Try(ctx)
}

// Close releases the probe, if there is one.
func (u *unmade) Close() error {
	if c, ok := u.probe.(interface{ Close() error }); ok {
		return c.Close()
	}
	return nil
}

// session asks the engine how the BFD session with a neighbour is.
func session(ctx context.Context, e *engine.Engine, peer netip.Addr, dev string) (state string, up, known bool) {
	ctx, cancel := context.WithTimeout(ctx, snapshotBound)
	defer cancel()
	s, known, err := e.Session(ctx, peer, dev)
	if err != nil {
		return "", false, false
	}
	return s.String(), s == bfd.Up, known
}

// heard asks the engine when a node was heard.
func heard(ctx context.Context, e *engine.Engine, node string) (ago time.Duration, known bool) {
	ctx, cancel := context.WithTimeout(ctx, snapshotBound)
	defer cancel()
	h, err := e.Heard(ctx, node)
	return time.Since(h.At), err == nil && h.Known
}

// describe adds what is known of the checks to the document.
func (c *checks) describe(st *api.Status) {
	views := c.run.Views()
	byName := make(map[string]int, len(views))
	st.Checks = make([]api.CheckState, len(views))
	for i, v := range views {
		byName[v.Name] = i
		st.Checks[i] = api.CheckState{
			Name: v.Name, Kind: v.Kind.Word(), Target: v.Kind.Target(), State: v.State.String(), Since: v.Since,
			Text: v.Text, At: v.LastAt, Took: milliseconds(v.Took), Warning: v.Last.OK && v.Last.Warn,
			Streak: v.Streak, Flapping: v.Flapping, Hanging: v.Hanging,
			Passed: v.Counts.Passed, Failed: v.Counts.Failed, Timeouts: v.Counts.Timeouts, Hung: v.Counts.Hung, Changes: v.Counts.Changes,
		}
	}
	for g := range st.Groups {
		for i := range st.Groups[g].Checks {
			use := &st.Groups[g].Checks[i]
			at, ok := byName[use.Name]
			if !ok {
				continue
			}
			v := &st.Checks[at]
			use.State, use.Kind, use.Since = v.State, v.Kind, v.Since
			if v.Text != "" {
				use.Detail = v.Text
			}
		}
	}
}

// checkWarnings are of checks that need somebody, whatever their state.
func checkWarnings(st *api.Status) []api.Warning {
	var out []api.Warning
	for _, c := range st.Checks {
		if c.Hanging {
			out = append(out, api.Warning{Code: "HF2151", Since: c.At, Text: fmt.Sprintf(
				"check %s (%s) hangs: what it waits for cannot be interrupted, and it is not asked again before that ends", c.Name, c.Target)})
		}
		if c.Flapping {
			out = append(out, api.Warning{Code: "HF2152", Since: c.Since, Text: fmt.Sprintf(
				"check %s changed too often and stays down until it has passed for a while: %s", c.Name, c.Text)})
		}
		if c.Warning {
			out = append(out, api.Warning{Code: "HF2153", Since: c.Since, Text: fmt.Sprintf("check %s passes, but: %s", c.Name, c.Text)})
		}
	}
	return out
}
