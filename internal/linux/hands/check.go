package hands

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/holdfast-net/holdfast/internal/linux/probe"
)

// checks looks, in the background, whether virtual MACs are kept: at one
// address of each interface that has any on a macvlan, because what spoils one
// spoils all.
type checks struct {
	pace
	report func(ifname, text string)
	ctx    context.Context // ends with the Hands
	cancel context.CancelFunc
	run    sync.WaitGroup

	mu      sync.Mutex
	targets map[string]*target // by interface
}

// pace is when to look.
type pace struct {
	first time.Duration // after an address was put on: when the storm of a failover is over
	again time.Duration // at the settings, and at the wire where something was wrong
	every time.Duration // at the wire, where the probe makes a question leave
}

// target is what one interface is checked with.
type target struct {
	probe.Target
	mend   func() // asks for the settings to be raised again
	stop   context.CancelFunc
	looked time.Time // at the wire
	wrong  bool      // when it was last looked at
}

func newChecks(report func(ifname, text string)) *checks {
	c := &checks{
		pace:   pace{first: time.Second, again: time.Minute, every: 10 * time.Minute},
		report: report, targets: map[string]*target{},
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

// watch checks an interface from now on, with this address.
func (c *checks) watch(t probe.Target, mend func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	old := c.targets[t.Ifname]
	if old == nil {
		old = &target{}
		c.targets[t.Ifname] = old
	}
	old.Target, old.mend = t, mend
	if old.stop != nil {
		return
	}
	ctx, stop := context.WithCancel(c.ctx)
	old.stop = stop
	c.run.Go(func() { c.patrol(ctx, old) })
}

// leave ends the checks of an interface without addresses on a macvlan. When
// it was last looked at is remembered: a group that comes and goes must not
// make a question leave each time.
func (c *checks) leave(ifname string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t := c.targets[ifname]; t != nil && t.stop != nil {
		t.stop()
		t.stop = nil
	}
}

func (c *checks) stop() {
	c.cancel()
	c.run.Wait()
}

func (c *checks) patrol(ctx context.Context, t *target) {
	for wait := c.first; ; wait = c.again {
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		c.look(ctx, t)
	}
}

func (c *checks) look(ctx context.Context, t *target) {
	c.mu.Lock()
	at, mend := t.Target, t.mend
	age := time.Since(t.looked)
	wire := t.looked.IsZero() || age >= c.every || t.wrong && age >= c.again
	if wire {
		t.looked = time.Now()
	}
	c.mu.Unlock()

	found, err := probe.Settings(at)
	if wire && err == nil {
		var seen probe.Findings
		seen, err = probe.Verify(ctx, at)
		found = append(found, seen.Wrong...)
	}
	c.mu.Lock()
	if wire {
		t.wrong = len(found) > 0
	}
	c.mu.Unlock()
	switch {
	case ctx.Err() != nil: // the address left meanwhile, and settings with it
	case err != nil:
		c.report(at.Ifname, fmt.Sprintf("cannot check who answers for %s: %v", at.Address.Addr(), err))
	case len(found) > 0:
		c.report(at.Ifname, strings.Join(found, "; "))
		mend()
	}
}

// patrol keeps the checks in line with what is on.
func (h *hand) patrol() {
	r := h.routers[h.probed]
	if !r.probeable() {
		r = nil
		for id, other := range h.routers {
			if other.probeable() {
				h.probed, r = id, other
				break
			}
		}
	}
	if r == nil {
		h.watching = probe.Target{}
		h.hands.checks.leave(h.ifname)
		return
	}
	t := probe.Target{
		Ifname: h.ifname, Parent: h.parent, Macvlan: r.index, MAC: r.mac,
		Address: r.op.Addresses[len(r.op.Addresses)-1], // the first of IPv6 is link-local
	}
	if t != h.watching {
		h.watching = t
		h.hands.checks.watch(t, h.askToMend)
	}
}

// probeable says whether the router has an address on a macvlan that a
// question to a neighbour can come from.
func (r *router) probeable() bool {
	return r != nil && r.virtual && len(r.held) > 0 && !linkLocal(r.op.Addresses[len(r.op.Addresses)-1])
}

// mend raises the settings again that somebody has changed, as reading a
// directory of sysctls again does after an update of some package.
func (h *hand) mend() {
	if h.open() != nil {
		return // the next order says why
	}
	for _, text := range h.adjust(h.needs()) {
		h.hands.cfg.Report(h.ifname, text)
	}
}
