package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/balance/mirror/run"
	"github.com/holdfast-net/holdfast/internal/balance/pools"
	"github.com/holdfast-net/holdfast/internal/cluster"
	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/guardian"
	"github.com/holdfast-net/holdfast/internal/hook"
	"github.com/holdfast-net/holdfast/internal/journal"
	"github.com/holdfast-net/holdfast/internal/linux/gate"
	"github.com/holdfast-net/holdfast/internal/linux/hands"
	"github.com/holdfast-net/holdfast/internal/linux/route"
	"github.com/holdfast-net/holdfast/internal/linux/watch"
	"github.com/holdfast-net/holdfast/internal/linux/wire"
	"github.com/holdfast-net/holdfast/internal/order"
	"github.com/holdfast-net/holdfast/internal/vote"
)

// Options is what a daemon is started with.
type Options struct {
	ConfigPath string
	Socket     string                // overrides the file's control.socket
	Guardian   config.GuardianChoice // overrides the file's guardian
	Version    api.Version
	Log        *slog.Logger
}

// Daemon is a running holdfast. It implements api.Daemon.
type Daemon struct {
	opt      Options
	started  time.Time
	notify   *notifier
	journal  *journal.Journal
	hooks    *hook.Runner
	engine   *engine.Engine
	steps    *stepper
	leases   *leases
	checks   *checks
	clients  *clients
	pools    *pools.Pools
	placing  placing
	mirror   *run.Runner // flows, told and heard
	lacking  *lacking
	front    atomic.Pointer[[]string] // the interfaces that clients of services are behind
	watch    *watch.Watch
	realtime api.Realtime
	notices  notices
	begun    guardian.Beginning
	managed  bool // by a service manager that starts it again
	guarded  guarded
	member   *cluster.Keeper // nil: the file has no store
	doors    doors
	gate     *gate.Gate
	heir     *predecessor  // to take over from; nil: begun anew
	early    early         // what was noted before there was a journal
	raised   chan struct{} // closed when this process is punctual, as far as it can be, and holds what it inherits
	handedOn chan struct{} // closed when another process stands in the place of this one
	passed   bool          // it does
	served   sync.WaitGroup

	current atomic.Pointer[loaded]
	last    atomic.Pointer[api.Status]
	reload  sync.Mutex // one reload at a time
}

// loaded is the configuration in force and what the last reload said.
type loaded struct {
	cfg  *config.Config
	at   time.Time
	last string
}

// BadConfig is a file that cannot be used, with everything wrong with it.
type BadConfig struct{ Diagnostics config.Diagnostics }

func (e *BadConfig) Error() string {
	errs, _ := e.Diagnostics.Count()
	return fmt.Sprintf("cannot use configuration: %d errors", errs)
}

// shutdownBound is how long groups may take to leave before the doors close
// on them. It is above what the slowest handover takes (an interval of 40.95s
// would be slower, but no service manager waits that long).
const shutdownBound = 20 * time.Second

// endBound is what ending the rest may take after that.
const endBound = 30 * time.Second

// Run runs a daemon until ctx ends, and then until every group has left.
func Run(ctx context.Context, opt Options) (err error) {
	d := &Daemon{opt: opt, started: time.Now(), begun: guardian.Begin(), managed: managed(), raised: make(chan struct{}), handedOn: make(chan struct{})}
	d.heir, err = heir()
	defer func() {
		if err != nil && d.heir != nil && !d.heir.taken {
			d.heir.refuse(err)
		}
	}()
	if err != nil {
		return err
	}
	d.notify = newNotifier()
	// A log that nobody reads any more is no reason to die.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	if os.Getenv("GOGC") == "" {
		// The loop allocates nothing in the steady state, so a smaller heap
		// costs no time. It is locked in memory.
		debug.SetGCPercent(25)
	}
	links, err := Links()
	if err != nil {
		return err
	}
	cfg, diags := config.Load(opt.ConfigPath, here(links))
	if diags.HasErrors() {
		return &BadConfig{Diagnostics: diags}
	}
	if cfg.Witness == nil {
		if err := privileged(); err != nil {
			return err
		}
	}
	d.current.Store(&loaded{cfg: cfg, at: d.started, last: "ok"})
	d.early.on = d.heir != nil
	if pid, is := d.incumbent(ctx, cmp.Or(opt.Socket, cfg.Control.Socket)); is {
		d.present(pid)
		return nil
	}
	if d.heir == nil {
		if err := d.openJournal(cfg); err != nil {
			return err
		}
	}
	defer func() {
		if d.journal != nil {
			_ = d.journal.Close() // its trouble was a warning all along
		}
	}()
	if cfg.Witness != nil {
		if d.heir != nil {
			return errWitness
		}
		return d.runWitness(ctx, cfg)
	}
	defer d.keepMember(cfg)()
	d.hooks = d.newHooks()
	defer d.hooks.Close()
	return d.run(ctx, cfg)
}

// run opens the kernel's doors, works until the groups have left, and closes
// the doors again.
func (d *Daemon) run(ctx context.Context, cfg *config.Config) error {
	// The faces and the log end last: they tell how the rest ended.
	faces, endFaces := context.WithCancel(context.WithoutCancel(ctx))
	defer func() {
		endFaces()
		d.served.Wait() // answers are on their way
	}()
	if d.heir == nil {
		go d.follow(faces, d.lastEvent())
	}
	socket := cmp.Or(d.opt.Socket, cfg.Control.Socket)

	if d.heir == nil {
		d.raise(cfg)
		close(d.raised)
	}
	w, err := wire.New()
	if err != nil {
		return fmt.Errorf("cannot open the network: %w", err)
	}
	defer func() { _ = w.Shutdown() }()
	if err := os.MkdirAll(memory(socket), 0o755); err != nil {
		return fmt.Errorf("cannot make the run directory: %w", err)
	}
	var turn *hands.Turn
	if d.heir == nil {
		if turn, err = d.turn(); err != nil {
			return err
		}
		defer turn.End()
		d.lastDeath(socket)
		d.sweep(turn, socket)
	}
	g, files, err := d.openGate(socket)
	if err != nil {
		return err
	}
	defer d.closeGate(g, socket) // its holds were closed by the groups
	tapped, dismiss := d.guard(cfg, socket, w, files)
	defer dismiss() // when nothing is left to be seen to
	hc := hands.Config{
		Deliver: func(r engine.Result) { d.engine.Carried(r) },
		Report: func(ifname, text string) {
			d.note(api.Event{Kind: "notice", Code: "HF2008", Reason: ifname + ": " + text})
		},
		Dir: memory(socket), Gate: g, Turn: turn,
	}
	h := &lateHands{}
	if d.heir == nil {
		if err := h.open(hc); err != nil {
			return err
		}
	}
	defer func() { _ = h.Close() }()
	d.steps = newStepper(cfg, route.Kernel{}, func(group string, ev order.Event) { d.engine.Stepped(group, ev) }, d.note)
	defer d.steps.close()
	d.leases = newLeases(func() *config.Config { return d.current.Load().cfg })
	defer d.leases.wait()
	d.clients = newClients(faces, cfg.Node, func() *engine.Engine { return d.engine }, d.note)
	defer d.clients.close()
	d.lacking = &lacking{engine: func() *engine.Engine { return d.engine }, in: map[string]bool{}}
	d.mirror = d.newMirror(cfg.Node)
	dog, agents := d.newDog(cfg), d.newAgents()
	defer closeAgents(agents)
	d.engine = engine.New(engine.Options{
		Leases: d.leases, Watchdog: dog, Agents: agents, Clients: holders{d.clients.run, d.mirror},
		Wire: tapped, Hands: h, Gate: g, Polls: w, Steps: d.steps, Record: d.record, Log: d.opt.Log, Role: roles{}.of,
		NewAgent: func(cfg *config.Config) (*vote.Agent, error) { return d.newAgent(cfg, vote.Instant(g.Now())) },
		Beat:     d.notify.feeder(), BeatEvery: d.notify.beatEvery(),
	})
	defer d.startDog(dog)()
	defer d.runPools(faces, socket)()
	defer d.runMirror(faces)()
	if d.checks, err = newChecks(faces, cfg.Node, d.engine, d.pools); err != nil {
		return err
	}
	defer d.checks.close()
	if d.watch, err = watch.New(d.changed); err != nil {
		return fmt.Errorf("cannot watch interfaces: %w", err)
	}
	defer func() { _ = d.watch.Close() }()
	start := func() error {
		go d.watchGate(faces, g)
		if err := d.serve(faces, cfg, socket, d); err != nil {
			return err
		}
		return d.start(ctx, cfg)
	}
	if d.heir != nil {
		start = func() error { return d.inherit(faces, cfg, socket, h, hc) }
	}
	if err := d.work(ctx, start); !handedOn(err) {
		return err
	}
	<-d.handedOn
	d.passed = true
	return nil
}

// start gives the engine its groups, and tells the world.
func (d *Daemon) start(ctx context.Context, cfg *config.Config) error {
	if err := d.tellLinks(); err != nil {
		return err
	}
	d.steps.sweep(ctx)
	if err := d.steps.prepare(ctx, cfg); err != nil {
		return err
	}
	d.steps.undoForgotten(cfg)
	d.awaitServices(cfg)
	d.lacking.expect(cfg)
	if err := d.engine.Apply(ctx, cfg); err != nil {
		return err
	}
	if err := d.applyServices(ctx, cfg); err != nil {
		return err
	}
	d.checks.apply(cfg)
	d.clients.apply(cfg)
	d.applyMirror(cfg)
	d.note(api.Event{Kind: "daemon", Reason: fmt.Sprintf("holdfast %s started with %s", d.opt.Version.Version, cfg.Path)})
	d.notify.ready(fmt.Sprintf("%d groups", len(cfg.Groups)))
	go func() {
		<-d.guarded.ready
		d.begun.Stand()
	}()
	return nil
}

// work runs the engine's loop beside what feeds it, from its start on.
func (d *Daemon) work(ctx context.Context, start func() error) error {
	done := make(chan error, 1)
	engineCtx, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()
	go func() { done <- d.engine.Run(engineCtx) }()
	if err := start(); err != nil {
		d.engine.Stop("the configuration could not be applied")
		return errors.Join(err, <-done)
	}

	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	for {
		select {
		case err := <-done:
			return err
		case <-hup:
			go func() { _, _ = d.Reload(ctx) }() // the outcome is in the journal
		case <-ctx.Done():
			bound := shutdownBound + d.steps.longest()
			d.notify.stopping(bound + endBound)
			d.engine.Stop("the daemon was told to stop")
			return drain(done, bound)
		}
	}
}

// drain waits for the groups to leave.
func drain(done <-chan error, bound time.Duration) error {
	select {
	case err := <-done:
		return err
	case <-time.After(bound):
		return fmt.Errorf("cannot hand over in %s: the addresses were taken off without a successor", bound)
	}
}

// changed hears what changed about links and addresses.
func (d *Daemon) changed(c engine.Change) {
	d.engine.Changed(c)
	d.checks.changed()
}

// tellLinks tells the engine about the interfaces.
func (d *Daemon) tellLinks() error {
	links, err := d.watch.Links()
	if err != nil {
		return fmt.Errorf("cannot list interfaces: %w", err)
	}
	for _, l := range links {
		d.engine.Changed(engine.Change{Link: l})
	}
	return nil
}

func (d *Daemon) lastEvent() uint64 {
	events, _ := d.journal.After(0, 0)
	if len(events) == 0 {
		return 0
	}
	return events[len(events)-1].ID
}
