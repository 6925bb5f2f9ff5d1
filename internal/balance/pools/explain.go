package pools

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/holdfast-net/holdfast/internal/balance"
)

// Found is what there is to say of one flow.
type Found struct {
	Service *balance.Service
	At      balance.Endpoint
	balance.Sight
	balance.Explanation
}

// Explain says which backend the flow of a client has or gets. Where it goes is
// the name of a service, or an address and port with a protocol or without.
func (p *Pools) Explain(ctx context.Context, client netip.AddrPort, to string) (Found, error) {
	var f Found
	var refused error
	err := p.do(ctx, func() {
		s, at, err := p.find(to)
		if err != nil {
			refused = err
			return
		}
		f = p.explain(s, at, client)
	})
	if err == nil {
		err = refused
	}
	return f, err
}

// find gives the service that is meant, and the address of it.
func (p *Pools) find(to string) (*service, balance.Endpoint, error) {
	var listens []string
	for _, name := range slices.Sorted(maps.Keys(p.services)) {
		s := p.services[name]
		of := s.pool.Report().Service
		for _, at := range of.Listen {
			if name == to || at.String() == to || at.AddrPort.String() == to {
				return s, at, nil
			}
			listens = append(listens, at.String())
		}
	}
	none := "there are no services here"
	if len(listens) > 0 {
		none = "services listen at " + strings.Join(listens, ", ")
	}
	return nil, balance.Endpoint{}, &Refused{fmt.Sprintf("there is no service %s: %s", to, none)}
}

func (p *Pools) explain(s *service, at balance.Endpoint, client netip.AddrPort) Found {
	f := Found{Service: s.pool.Report().Service, At: at}
	plan := s.pool.Plan()
	if plan == nil {
		f.Explanation = balance.Explanation{Outcome: balance.Nowhere, Summary: "backends are still being checked for the first time"}
		return f
	}
	sight, err := p.sight(s, plan, at, client)
	f.Sight, f.Explanation = sight, plan.Explain(client, at, sight)
	if err != nil {
		f.Points = slices.Insert(f.Points, 0, balance.Point{Subject: "plane", Bars: true, Text: err.Error()})
	}
	return f
}

// sight asks the service's plane. Without one nothing is known but the plan.
func (p *Pools) sight(s *service, plan *balance.Plan, at balance.Endpoint, client netip.AddrPort) (balance.Sight, error) {
	plane := p.slotOf(plan).plane
	finder, ok := plane.(balance.Finder)
	if !ok {
		return balance.Sight{Chance: true}, fmt.Errorf("cannot look for the flow: no data plane serves %s", s.name)
	}
	return finder.Find(s.name, at, client)
}
