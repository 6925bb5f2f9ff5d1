package bpf

import (
	"net/netip"
	"testing"

	"github.com/holdfast-net/holdfast/internal/balance"
)

func TestRoomIsCounted(t *testing.T) {
	l := newLab(t, 2)
	f := families[0]
	l.serve(f)
	p := l.open(Config{Flows: 1000, HalfOpen: 500, Ports: [2]uint16{20000, 20099}})
	plan := f.plan(2, func(p *balance.Plan) { p.Service.Forward = balance.FullNAT })
	must(t, p.Apply([]*balance.Plan{plan}))
	for range 6 {
		c, _, _, err := l.visit(netip.AddrPortFrom(f.vip, 80))
		must(t, err)
		defer c.Close()
	}
	must(t, p.Sweep())
	r, err := p.Room()
	must(t, err)
	if len(r.Tables) != 2 || r.Tables[0].Used != 12 || r.Tables[0].Size != 2000 || r.Tables[1].Used != 0 || r.Tables[1].Size != 1000 || r.Hook == "" {
		t.Errorf("%+v", r)
	}
	for _, x := range r.Ports {
		if x.Address != f.source || x.Used != 3 || x.Size != 100 || x.Service != "web" {
			t.Errorf("%+v", x)
		}
	}
	if len(r.Ports) != 2 {
		t.Errorf("ports of %d backends, want 2", len(r.Ports))
	}
}
