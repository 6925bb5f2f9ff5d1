package model_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/balance/model"
	"github.com/holdfast-net/holdfast/internal/balance/suite"
)

// plane is the model, at one instant.
type plane struct{ *model.Balancer }

func (p plane) Apply(plans []*balance.Plan) error {
	p.Balancer.Apply(plans)
	return nil
}

func (p plane) Step(frame []byte) (model.Result, error) {
	return p.Balancer.Step(time.Hour, frame), nil
}

func (p plane) Flows(service string, t balance.Target) (int, error) {
	return p.Balancer.Flows(service, t.Addr), nil
}

func route(a netip.Addr) (model.Hop, bool) {
	for _, f := range suite.Families {
		hop := model.Hop{From: suite.Own, Source: f.Node, MTU: suite.MTU}
		switch a {
		case f.Client:
			hop.To = suite.Client
		case f.Backends[0]:
			hop.To = suite.Backends[0]
		case f.Backends[1]:
			hop.To = suite.Backends[1]
		default:
			continue
		}
		return hop, true
	}
	return model.Hop{}, false
}

func TestModelPassesTheSuite(t *testing.T) {
	for _, c := range suite.Cases() {
		t.Run(c.Name, func(t *testing.T) {
			b := model.New(model.Config{MAC: suite.Own, Ports: [2]uint16{suite.Port, suite.Port}, Route: route})
			if err := c.Run(plane{b}); err != nil {
				t.Error(err)
			}
		})
	}
}
