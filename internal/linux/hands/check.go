package hands

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/linux/probe"
)

// checks looks, in the background, whether virtual MACs are kept.
type checks struct {
	report func(ifname, text string)
	ctx    context.Context // ends with the Hands
	cancel context.CancelFunc
	run    sync.WaitGroup

	mu   sync.Mutex
	last map[string]time.Time // by interface
}

// A check begins when the storm of a failover is over, and an interface is
// checked once in a while only, however many groups become active on it.
const (
	checkDelay = time.Second
	checkEvery = 10 * time.Minute
)

func newChecks(report func(ifname, text string)) *checks {
	c := &checks{report: report, last: map[string]time.Time{}}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

// start begins a check unless the interface had one lately.
func (c *checks) start(t probe.Target) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if last, ok := c.last[t.Ifname]; ok && time.Since(last) < checkEvery {
		return
	}
	c.last[t.Ifname] = time.Now()
	c.run.Go(func() {
		timer := time.NewTimer(checkDelay)
		defer timer.Stop()
		select {
		case <-c.ctx.Done():
			return
		case <-timer.C:
		}
		found, err := probe.Verify(c.ctx, t)
		if err != nil {
			c.report(t.Ifname, fmt.Sprintf("cannot check who answers for %s: %v", t.Address.Addr(), err))
		}
		for _, text := range found.Wrong {
			c.report(t.Ifname, text)
		}
	})
}

func (c *checks) stop() {
	c.cancel()
	c.run.Wait()
}

// check looks at the first router of the results that has a virtual MAC.
func (h *hand) check(results []engine.Result) {
	for i := range results {
		r := h.routers[idOf(results[i].Op)]
		if r == nil || results[i].Err != nil || !r.virtual || len(r.op.Addresses) == 0 {
			continue
		}
		p := r.op.Addresses[len(r.op.Addresses)-1] // the first of IPv6 is link-local
		if linkLocal(p) {
			continue
		}
		h.hands.checks.start(probe.Target{
			Ifname: h.ifname, Parent: h.parent, Macvlan: r.index, MAC: r.mac, Address: p,
		})
		return
	}
}
