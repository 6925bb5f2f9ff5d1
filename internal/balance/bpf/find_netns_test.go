package bpf

import (
	"net/netip"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/balance"
)

// What is said of a flow before its first packet comes true with it, and what
// is said afterwards is where it is.
func TestFlowsAreFound(t *testing.T) {
	selects := map[string]func(*balance.Plan){
		"flow":   func(p *balance.Plan) { p.Select = balance.ByFlow },
		"source": func(p *balance.Plan) { p.Select = balance.BySource },
		"turn":   func(p *balance.Plan) { p.Select = balance.InTurn },
		"least":  func(p *balance.Plan) { p.Select = balance.Least },
		"two":    func(p *balance.Plan) { p.Select = balance.LeastOfTwo },
		"bond":   func(p *balance.Plan) { p.Service.Affinity = time.Hour },
	}
	for _, f := range families {
		t.Run(f.name, func(t *testing.T) {
			l := newLab(t, 3)
			l.serve(f)
			p := l.open(Config{})
			port := uint16(21000)
			for name, change := range selects {
				plan := f.plan(3, func(p *balance.Plan) { p.Service.Forward = balance.FullNAT; change(p) })
				must(t, p.Apply([]*balance.Plan{plan}))
				at := plan.Service.Listen[0]
				for range 4 {
					port++
					client := netip.AddrPortFrom(f.client, port)
					before, err := p.Find("web", at, client)
					must(t, err)
					e := plan.Explain(client, at, before)
					c, who, saw, err := l.visitFrom(client, at.AddrPort)
					must(t, err)
					defer c.Close() // at the end: loads stay as they were found
					if want := netip.AddrPortFrom(f.backends[who], 8080); e.Backend != want || before.Client.IsValid() || e.Outcome == balance.Has {
						t.Errorf("%s: %s: the flow went to %s, and this was said: %+v", client, name, want, e)
					}
					s, err := p.Find("web", at, client)
					must(t, err)
					if e = plan.Explain(client, at, s); e.Outcome != balance.Has || e.Backend.Addr() != f.backends[who] || s.Source != saw || !s.Established {
						t.Errorf("%s: an open flow, of which the backend saw %s: %+v\n%+v", client, saw, e, s)
					}
				}
			}
		})
	}
}
