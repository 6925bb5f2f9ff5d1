package pools

import (
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/internal/balance"
)

// serve gives the planes all plans.
func (p *Pools) serve(now time.Time) {
	p.changed = false
	var kernel, proxy []*balance.Plan
	var wantKernel, wantProxy, unsettled bool
	for _, name := range slices.Sorted(maps.Keys(p.services)) {
		s := p.services[name]
		plan := s.pool.Plan()
		switch proxied := s.forward == balance.Proxy; {
		case proxied:
			wantProxy = true
		default:
			wantKernel = true
			unsettled = unsettled || plan == nil
		}
		switch {
		case plan == nil:
		case plan.Service.Forward == balance.Proxy:
			proxy = append(proxy, plan)
		default:
			kernel = append(kernel, plan)
		}
	}
	// The kernel may still forward for an earlier run. What the first plans do
	// not name ends, so they have to be all.
	if p.kernel.plane == nil && unsettled {
		kernel = nil
	}
	forwarding := p.kernel.apply(wantKernel, kernel)
	if p.kernel.plane != nil {
		p.tellPlaced(kernel, forwarding)
	}
	err := errors.Join(forwarding, p.proxy.apply(wantProxy, proxy))
	p.place()
	p.judge(now, err)
}

// tellPlaced says what the kernel serves, and where it does not: one service or
// one interface that it refuses keeps nobody else waiting.
func (p *Pools) tellPlaced(plans []*balance.Plan, err error) {
	but, notOn, all := balance.Except(err)
	if all || p.opt.Placed == nil {
		return
	}
	var names []string
	for _, plan := range plans {
		if !slices.Contains(but, plan.Service.Name) {
			names = append(names, plan.Service.Name)
		}
	}
	p.opt.Placed(names, notOn)
}

// place says which plane of the kernel has plans.
func (p *Pools) place() {
	if p.kernel.plane == p.inPlace {
		return
	}
	p.inPlace = p.kernel.plane
	if p.opt.InPlace != nil {
		p.opt.InPlace(p.inPlace)
	}
}

// judge tells what planes could not do, once, and says when to try again.
func (p *Pools) judge(now time.Time, err error) {
	const soon, first, last = 20 * time.Millisecond, time.Second, time.Minute
	switch {
	case err == nil:
		if p.failed != "" {
			p.opt.Record(Record{Code: CodePlane, Reason: "all services are served again"})
		}
		p.failed, p.again, p.tries = "", time.Time{}, 0
		return
	case errors.Is(err, ErrNotYet):
		p.again = now.Add(soon)
		return
	}
	if text := err.Error(); text != p.failed {
		p.failed = text
		p.opt.Record(Record{Code: CodePlane, Reason: text + " (it is tried again)"})
	}
	p.again = now.Add(min(first<<min(p.tries, 6), last))
	p.tries++
}
