package pools

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/check"
)

// Wanted is a service of a file, and the seed of its hashes. A service keeps
// the seed that it began with.
type Wanted struct {
	*balance.Service
	Seed [16]byte
}

// Apply brings the services in line with those of a file. Services that stay
// keep what is known of their backends.
func (p *Pools) Apply(ctx context.Context, services []Wanted) error {
	return p.do(ctx, func() {
		wanted := map[string]bool{}
		p.changed = true // also where there are none: planes end then
		p.checks = map[string][]*service{}
		for _, w := range services {
			svc := w.Service
			wanted[svc.Name] = true
			s := p.services[svc.Name]
			if s == nil {
				s = &service{name: svc.Name, pool: balance.NewPool(balance.Config{Service: svc, Seed: w.Seed})}
				p.services[svc.Name] = s
				p.step(s, balance.Started{})
			} else {
				p.step(s, balance.Configured{Service: svc})
			}
			s.forward = svc.Forward
			p.listen(s, svc)
		}
		for name := range p.services {
			if !wanted[name] {
				delete(p.services, name)
			}
		}
		for name := range p.results {
			if p.checks[name] == nil {
				delete(p.results, name)
			}
		}
	})
}

// listen notes which checks concern a service, and tells it what is known.
func (p *Pools) listen(s *service, svc *balance.Service) {
	for _, b := range svc.Backends {
		for _, name := range b.Checks {
			if slices.Contains(p.checks[name], s) {
				continue
			}
			p.checks[name] = append(p.checks[name], s)
			if r, known := p.results[name]; known {
				p.step(s, balance.Checked{Check: name, Change: r})
			}
		}
	}
}

// Checked hears what changed about a check. It may be called from any
// goroutine, and never blocks.
func (p *Pools) Checked(name string, c check.Change) {
	p.post(func() {
		p.results[name] = c
		for _, s := range p.checks[name] {
			p.step(s, balance.Checked{Check: name, Change: c})
		}
	})
}

// Ask gives a service an operator's word: [balance.Asked] or [balance.Weighed].
// It fails with what the user should know where that cannot be.
func (p *Pools) Ask(ctx context.Context, name string, ev balance.Event) error {
	var refused string
	err := p.do(ctx, func() {
		s := p.services[name]
		if s == nil {
			refused = fmt.Sprintf("there is no service %s", name)
			return
		}
		if s.pool.Report().Following {
			refused = fmt.Sprintf("service %s goes by the view of the node that holds its addresses: ask that one", name)
			return
		}
		p.refused = ""
		p.step(s, ev)
		refused = p.refused
	})
	if err == nil && refused != "" {
		err = &Refused{refused}
	}
	return err
}

// Follow has a service go by the view of the node that holds its addresses, and
// Lead by this node's own again. They may be called from any goroutine, and
// never block.
func (p *Pools) Follow(name string, v balance.View) {
	p.post(func() {
		if s := p.services[name]; s != nil {
			p.step(s, balance.Followed{View: v})
		}
	})
}

// Lead is the other one.
func (p *Pools) Lead(name string) {
	p.post(func() {
		if s := p.services[name]; s != nil {
			p.step(s, balance.Led{})
		}
	})
}

// Refused is what was asked and cannot be.
type Refused struct{ Reason string }

func (r *Refused) Error() string { return r.Reason }

// View is a service for people, and what its plane has counted.
type View struct {
	balance.Report
	Usage map[uint32]balance.Usage // by the ID of the backend; 0 is what nobody got
	Plan  *balance.Plan            // nil: none yet
	// Unserved is why no data plane serves it, whatever its backends could do.
	// Empty: one does, as of the last count.
	Unserved string
}

// Snapshot is all services, by name.
func (p *Pools) Snapshot(ctx context.Context) ([]View, error) {
	var out []View
	err := p.do(ctx, func() { out = p.views() })
	return out, err
}

func (p *Pools) views() []View {
	out := make([]View, 0, len(p.services))
	for _, name := range slices.Sorted(maps.Keys(p.services)) {
		s := p.services[name]
		out = append(out, View{Report: s.pool.Report(), Usage: maps.Clone(s.usage), Plan: s.pool.Plan(), Unserved: s.without})
	}
	return out
}
