package run

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-net/holdfast/internal/tickle"
)

// Kernel is what a Runner needs of the machine.
type Kernel interface {
	List(addrs []netip.Addr) ([]tickle.Connection, error)
	// End ends this machine's connections of an address. The error is
	// tickle.ErrCannotEnd where the kernel has no such thing.
	End(netip.Addr) (int, error)
	// Poke sends a client an ACK that it answers, and Reset a reset, unless
	// this machine has the connection.
	Poke(tickle.Connection) error
	Reset(c tickle.Connection, seq uint32) error
	// Watch hands on what clients say on an interface of the connections of
	// some addresses, until it is closed.
	Watch(iface string, addrs []netip.Addr, heard func([]tickle.Answer)) (close func(), err error)
}

// Options is what a Runner is made of. Its functions must not block.
type Options struct {
	Node   string
	Kernel Kernel
	// Send sends datagrams to the other nodes of the group that has the
	// address.
	Send   func(netip.Addr, [][]byte)
	Record func(group, code, reason string)
}

// Runner runs a Machine. Its methods may be called from any goroutine, and none
// of them blocks.
type Runner struct {
	opt  Options
	wake chan struct{}
	view atomic.Pointer[[]tickle.View]

	mu     sync.Mutex
	queue  []func(now time.Time, m *tickle.Machine, out []tickle.Action) []tickle.Action
	heard  int // datagrams in the queue
	closed bool

	unwatch map[string]func()
	told    map[string]bool // errors
}

// mostHeard is how many datagrams wait. More than those are lost, and told
// again.
const mostHeard = 1024

// New makes a Runner that does nothing yet.
func New(opt Options) *Runner {
	r := &Runner{opt: opt, wake: make(chan struct{}, 1), unwatch: map[string]func(){}, told: map[string]bool{}}
	r.view.Store(new([]tickle.View))
	return r
}

// Configure says which addresses there are.
func (r *Runner) Configure(all []tickle.Address) {
	r.post(func(now time.Time, m *tickle.Machine, out []tickle.Action) []tickle.Action {
		return m.Configure(now, all, out)
	})
}

// Holds says that an address answers here from now on, or does not any more.
func (r *Runner) Holds(a netip.Addr, held bool) {
	if held {
		r.event(tickle.Held(a))
	} else {
		r.event(tickle.Left(a))
	}
}

// Heard takes a datagram that arrived on an interface.
func (r *Runner) Heard(iface string, data []byte) {
	r.mu.Lock()
	full := r.heard >= mostHeard
	if !full {
		r.heard++
	}
	r.mu.Unlock()
	if !full {
		ev := tickle.Heard(iface, bytes.Clone(data))
		r.post(func(now time.Time, m *tickle.Machine, out []tickle.Action) []tickle.Action {
			r.mu.Lock()
			r.heard--
			r.mu.Unlock()
			return m.Step(now, ev, out)
		})
	}
}

// View is what is known of each address.
func (r *Runner) View() []tickle.View { return *r.view.Load() }

func (r *Runner) event(ev tickle.Event) {
	r.post(func(now time.Time, m *tickle.Machine, out []tickle.Action) []tickle.Action {
		return m.Step(now, ev, out)
	})
}

func (r *Runner) post(f func(time.Time, *tickle.Machine, []tickle.Action) []tickle.Action) {
	r.mu.Lock()
	if !r.closed {
		r.queue = append(r.queue, f)
	}
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Run works until ctx ends.
func (r *Runner) Run(ctx context.Context) {
	m := tickle.New(tickle.Config{Node: r.opt.Node, Seed: rand.Uint64()})
	timer := time.NewTimer(0)
	defer timer.Stop()
	defer r.end()
	var acts []tickle.Action
	for {
		select {
		case <-ctx.Done():
			r.last(m, acts[:0])
			return
		case <-r.wake:
		case <-timer.C:
		}
		now := time.Now()
		acts = acts[:0]
		for _, f := range r.take() {
			acts = f(now, m, acts)
		}
		acts = m.Step(now, tickle.Tick(), acts)
		v := m.View()
		r.view.Store(&v)
		r.perform(acts)
		clear(acts)
		if at := m.Deadline(); !at.IsZero() {
			timer.Reset(time.Until(at))
		} else {
			timer.Stop()
		}
	}
}

func (r *Runner) take() []func(time.Time, *tickle.Machine, []tickle.Action) []tickle.Action {
	r.mu.Lock()
	defer r.mu.Unlock()
	q := r.queue
	r.queue = nil
	return q
}

// last does what cannot be done later, and waits for it.
func (r *Runner) last(m *tickle.Machine, acts []tickle.Action) {
	now := time.Now()
	for _, f := range r.take() {
		acts = f(now, m, acts)
	}
	for _, a := range m.Step(now, tickle.Stopping(), acts) {
		if a.Kind == tickle.ActionEnd {
			_, err := r.opt.Kernel.End(a.Addr)
			if !errors.Is(err, tickle.ErrCannotEnd) {
				r.failed("ending connections", err)
			}
		}
	}
}

func (r *Runner) end() {
	r.mu.Lock()
	r.queue, r.closed = nil, true
	r.mu.Unlock()
	for _, stop := range r.unwatch {
		stop()
	}
}

// perform carries out what the machine wants. What takes long is done elsewhere,
// and told when it is done.
func (r *Runner) perform(acts []tickle.Action) {
	for i := 0; i < len(acts); i++ {
		switch a := &acts[i]; a.Kind {
		case tickle.ActionSend:
			data := [][]byte{a.Data}
			for i+1 < len(acts) && acts[i+1].Kind == tickle.ActionSend && acts[i+1].Addr == a.Addr {
				i++
				data = append(data, acts[i].Data)
			}
			r.opt.Send(a.Addr, data)
		case tickle.ActionList:
			addrs := a.Addrs
			go func() {
				begun := time.Now()
				conns, err := r.opt.Kernel.List(addrs)
				r.event(tickle.Listed(conns, time.Since(begun), err))
			}()
		case tickle.ActionEnd:
			addr := a.Addr
			go func() {
				n, err := r.opt.Kernel.End(addr)
				r.event(tickle.Ended(addr, n, err))
			}()
		case tickle.ActionPoke:
			for _, c := range a.Conns {
				r.failed("telling clients", r.opt.Kernel.Poke(c))
			}
		case tickle.ActionReset:
			r.failed("telling clients", r.opt.Kernel.Reset(a.Conns[0], a.Seq))
		case tickle.ActionWatch:
			stop, err := r.opt.Kernel.Watch(a.Interface, a.Addrs, func(got []tickle.Answer) { r.event(tickle.Answered(got)) })
			if r.failed("hearing clients", err); err == nil {
				r.unwatch[a.Interface] = stop
			}
		case tickle.ActionUnwatch:
			if stop := r.unwatch[a.Interface]; stop != nil {
				stop()
				delete(r.unwatch, a.Interface)
			}
		case tickle.ActionRecord:
			r.opt.Record(a.Group, a.Code, a.Reason)
		}
	}
}

// failed records a kind of failure once. Clients cannot be reached for many
// reasons, and each of ten thousand would be one.
func (r *Runner) failed(what string, err error) {
	if err != nil && !r.told[what] {
		r.told[what] = true
		r.opt.Record("", tickle.CodeList, fmt.Sprintf("%s of a moved address failed: %v", what, err))
	}
}
