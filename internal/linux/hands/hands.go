package hands

import (
	"errors"
	"fmt"
	"sync"

	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/linux/filter"
	"github.com/holdfast-net/holdfast/internal/linux/gate"
	"github.com/holdfast-net/holdfast/internal/linux/sysctl"
)

// Config is what the Hands need.
type Config struct {
	// Deliver takes each Result, from the worker of its interface. It must
	// not block.
	Deliver func(engine.Result)
	// Report takes what was found out about an interface later, in words
	// for a person, from any goroutine. Nil: nobody wants to know.
	Report func(ifname, text string)
	// Thread is called once at the start of each worker, on its thread,
	// which nothing else ever runs on. Nil: nothing to do there.
	Thread func()
	// Gate guards the addresses from OpPrepare to OpDiscard. Nil: nobody
	// does, and addresses that are on answer.
	Gate Gate
	// Turn is the right to change addresses; New takes one where it is nil.
	// Close ends it.
	Turn *Turn
	// Queued is the caller's place behind the daemon that works here, which
	// New gives back; nil: there is none.
	Queued *Turn
	// Dir is a directory below /run that this user may write to. It keeps
	// what settings were before they were changed, so that the next run can
	// put back what a killed one could not. Empty: it cannot.
	Dir string
}

// Gate is what the Hands need of a *gate.Gate.
type Gate interface {
	Guard(gate.Spec) (engine.Slot, error)
	Release(engine.Slot) error
}

// Hands implements engine.Hands.
type Hands struct {
	cfg    Config
	filter *filter.Table
	memory *sysctl.Memory
	unlock func()
	checks *checks

	mu      sync.Mutex
	workers map[string]*worker
	closed  bool
	running sync.WaitGroup
}

var _ engine.Hands = (*Hands)(nil)

// errClosed is the error of an order that came after Close.
var errClosed = errors.New("the daemon is stopping")

// New gives Hands that have done nothing yet. Call [Sweep] before. They work
// in the network namespace of the calling process, and are the only ones there.
func New(cfg Config) (*Hands, error) {
	turn, err := cfg.Turn, error(nil)
	switch {
	case turn != nil:
	case cfg.Queued != nil:
		turn, err = takeTurn()
	default:
		turn, err = TakeTurn()
	}
	if err != nil {
		return nil, err
	}
	works, err := lock(daemonName)
	if err != nil {
		turn.End()
		return nil, err
	}
	unlock := func() { works(); turn.End() }
	if cfg.Queued != nil {
		cfg.Queued.End()
	}
	if cfg.Report == nil {
		cfg.Report = func(string, string) {}
	}
	memory, err := sysctl.Open(memoryPath(cfg.Dir))
	if err != nil {
		cfg.Report("all", err.Error()) // no reason to hold no addresses
	}
	if cfg.Thread == nil {
		cfg.Thread = func() {}
	}
	return &Hands{
		cfg: cfg, filter: filter.New(), memory: memory, unlock: unlock,
		checks: newChecks(cfg.Report), workers: map[string]*worker{},
	}, nil
}

// Submit queues an order. It never blocks.
func (h *Hands) Submit(op engine.Op) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		go h.cfg.Deliver(engine.Result{Op: op, Err: fmt.Errorf("cannot %s addresses on %s: %w", verb(op.Kind), op.Interface, errClosed)})
		return
	}
	w := h.workers[op.Interface]
	if w == nil {
		w = newWorker(op.Interface, h)
		h.workers[op.Interface] = w
		h.running.Go(w.run)
	}
	w.submit(op)
}

// Backlog is the number of orders that were not started yet.
func (h *Hands) Backlog() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for _, w := range h.workers {
		n += w.backlog()
	}
	return n
}

// Close carries out what is queued, then stops.
func (h *Hands) Close() error {
	h.mu.Lock()
	h.closed = true
	for _, w := range h.workers {
		w.stop()
	}
	h.mu.Unlock()
	h.running.Wait()
	h.checks.stop()
	h.unlock()
	return nil
}

// verb is what an order does, for messages.
func verb(k engine.OpKind) string {
	switch k {
	case engine.OpPrepare:
		return "prepare"
	case engine.OpInstall:
		return "install"
	case engine.OpRemove:
		return "remove"
	case engine.OpDiscard:
		return "discard"
	}
	return fmt.Sprintf("do %d to", k)
}
