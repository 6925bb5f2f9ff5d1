package pools

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/check"
)

// Record is a fact about a service, for the journal.
type Record struct {
	Service string
	Backend netip.AddrPort // invalid: the service itself
	Code    string
	Reason  string
}

// CodePlane is that of a record of what a plane could not do.
const CodePlane = "HF3014"

// Options is what pools need.
type Options struct {
	// Kernel opens the plane that forwards packets, Proxy the one that joins
	// connections. They are called when a service first wants the plane, and
	// again later where they fail.
	Kernel, Proxy func() (balance.Plane, error)
	// Clear removes what the kernel's plane of an earlier run has left. It is
	// called where no service wants that plane.
	Clear func() error
	// Keep says, at the end of Run, whether the kernel's plane is to go on
	// without this process.
	Keep func() bool
	// Placed hears which services the kernel serves, by name, and on which
	// interfaces it does not. It must not block. Nil: nobody asks.
	Placed func(services, notOn []string)
	// InPlace hears that the kernel's plane has plans, and which plane that is:
	// from then on flows can be put into it. Nil: there is none any more. Viewed
	// hears this node's view of a service, before planes have the plan that was
	// made of it. Neither may block; nil: nobody wants to know.
	InPlace func(balance.Plane)
	Viewed  func(service string, v balance.View, plan *balance.Plan)
	// Record hears what happened. It must not block, nor call these pools.
	Record func(Record)
}

// Pools is the services of a node.
type Pools struct {
	opt  Options
	wake chan struct{} // something in the inbox; holds one
	done chan struct{}

	mu    sync.Mutex
	inbox []func()
	ended bool

	// Of the loop alone.
	services map[string]*service
	checks   map[string][]*service // whom the news of a check concern
	results  map[string]check.Change
	kernel   slot
	proxy    slot
	inPlace  balance.Plane // as it was said
	changed  bool
	failed   string    // what planes said last
	again    time.Time // when to try them again
	tries    int
	out      []balance.Action
	refused  string
	crowded  map[string]string    // what is nearly full, and what comes of that
	since    map[string]time.Time // of troubles
	latest   atomic.Pointer[Latest]
}

type service struct {
	name    string
	pool    *balance.Pool
	forward balance.Forward // as of the file
	usage   map[uint32]balance.Usage
	without string // why no plane serves it; empty: one does, or there is no plan yet
}

// New makes pools without services, that do nothing until Run.
func New(opt Options) *Pools {
	return &Pools{
		opt: opt, wake: make(chan struct{}, 1), done: make(chan struct{}),
		kernel: slot{open: opt.Kernel, clear: opt.Clear}, proxy: slot{open: opt.Proxy}, services: map[string]*service{}, checks: map[string][]*service{}, results: map[string]check.Change{},
		crowded: map[string]string{},
	}
}

// count is how often planes are asked how many flows there are.
const count = time.Second

// Run is the loop. It ends with ctx, and closes the planes then.
func (p *Pools) Run(ctx context.Context) {
	defer p.end()
	tick := time.NewTicker(count)
	defer tick.Stop()
	for {
		var due <-chan time.Time
		if at := p.deadline(); !at.IsZero() {
			due = time.After(time.Until(at))
		}
		select {
		case <-ctx.Done():
			return
		case <-p.wake:
			p.take()
		case <-tick.C:
			p.count()
			p.publish()
		case <-due:
		}
		now := time.Now()
		for _, s := range p.services {
			if at := s.pool.Deadline(); !at.IsZero() && !at.After(now) {
				p.step(s, balance.Reached{})
			}
		}
		if p.changed || !p.again.IsZero() && !p.again.After(now) {
			p.serve(now)
		}
	}
}

// end has those who wait for an answer know that none will come.
func (p *Pools) end() {
	p.mu.Lock()
	p.ended = true
	p.mu.Unlock()
	close(p.done)
	keep := p.opt.Keep != nil && p.opt.Keep()
	for _, x := range []*slot{&p.kernel, &p.proxy} {
		if err := x.end(keep); err != nil && !errors.Is(err, ErrNotYet) {
			p.opt.Record(Record{Code: CodePlane, Reason: err.Error()})
		}
	}
}

func (p *Pools) deadline() time.Time {
	at := p.again
	for _, s := range p.services {
		if d := s.pool.Deadline(); !d.IsZero() && (at.IsZero() || d.Before(at)) {
			at = d
		}
	}
	return at
}

// post has f run in the loop, after what was posted before. It never blocks.
func (p *Pools) post(f func()) {
	p.mu.Lock()
	if !p.ended {
		p.inbox = append(p.inbox, f)
	}
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// do has f run in the loop, and waits for it.
func (p *Pools) do(ctx context.Context, f func()) error {
	ran := make(chan struct{})
	p.post(func() { f(); close(ran) })
	select {
	case <-ran:
		return nil
	case <-p.done:
		return errors.New("cannot ask the services: the daemon is ending")
	case <-ctx.Done():
		return fmt.Errorf("cannot ask the services: %w", ctx.Err())
	}
}

func (p *Pools) take() {
	p.mu.Lock()
	inbox := p.inbox
	p.inbox = nil
	p.mu.Unlock()
	for _, f := range inbox {
		f()
	}
}

// step gives a pool an event and does what comes of it.
func (p *Pools) step(s *service, ev balance.Event) {
	p.out = s.pool.Step(time.Now(), ev, p.out[:0])
	for _, a := range p.out {
		switch a.Kind {
		case balance.ActionPlan:
			p.changed = true
			if p.opt.Viewed != nil {
				p.opt.Viewed(s.name, s.pool.View(), a.Plan)
			}
		case balance.ActionRecord:
			p.opt.Record(Record{Service: s.name, Backend: a.Backend, Code: a.Code, Reason: a.Reason})
		case balance.ActionRefused:
			p.refused = a.Reason
		case balance.ActionDrained: // who waits for it reads the snapshot
		}
	}
}

// slotOf is where the plane is that serves a plan.
func (p *Pools) slotOf(plan *balance.Plan) *slot {
	if plan.Service.Forward == balance.Proxy {
		return &p.proxy
	}
	return &p.kernel
}

// count asks planes for their counters, and tells pools of the flows.
func (p *Pools) count() {
	for _, s := range p.services {
		plan := s.pool.Plan()
		if plan == nil {
			continue
		}
		slot := p.slotOf(plan)
		if slot.plane == nil {
			if p.failed != "" { // else it is about to be opened
				s.without = p.unserved(s, balance.ErrGone)
			}
			continue
		}
		usage, err := slot.plane.Usage(s.name)
		if err = slot.lost(err); slot.plane == nil {
			p.opt.Record(Record{Code: CodePlane, Reason: err.Error() + " (another one is begun)"})
			p.changed = true
		}
		s.without = p.unserved(s, err)
		if err != nil {
			continue // it could not be served, which was told
		}
		s.usage = usage
		p.step(s, balance.Counted{Usage: usage})
	}
}
