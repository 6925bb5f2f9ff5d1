package bpf

import (
	"testing"

	"github.com/holdfast-net/holdfast/internal/balance"
)

// A node that gets another part of the ports takes new flows there at once, and
// those that it has stay where they are.
func TestPortsOfFullNATMove(t *testing.T) {
	f := families[0]
	l := newLab(t, 1)
	p := l.open(Config{Ports: [2]uint16{20000, 20003}})
	must(t, p.Apply([]*balance.Plan{f.plan(1, func(p *balance.Plan) { p.Service.Forward = balance.FullNAT })}))
	l.serve(f)
	before, _, saw, err := l.visit(at(f.vip, 80))
	must(t, err)
	defer before.Close()
	if n := saw.Port(); n < 20000 || n > 20003 {
		t.Fatalf("the backend sees %s", saw)
	}
	must(t, p.Ports([2]uint16{30000, 30003}))
	for range 3 {
		c, _, saw, err := l.visit(at(f.vip, 80))
		must(t, err)
		defer c.Close()
		if n := saw.Port(); n < 30000 || n > 30003 {
			t.Errorf("the backend sees %s", saw)
		}
	}
	must(t, echo(before, 1000))
}
