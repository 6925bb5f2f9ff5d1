package balance

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestExplain(t *testing.T) {
	var (
		a, b, c = netip.MustParseAddrPort("10.0.0.11:80"), netip.MustParseAddrPort("10.0.0.12:80"), netip.MustParseAddrPort("10.0.0.13:80")
		client  = netip.MustParseAddrPort("198.51.100.7:40000")
		at      = Endpoint{netip.MustParseAddrPort("192.0.2.10:80"), TCP}
		seen    = netip.MustParseAddrPort("192.0.2.9:1024")
	)
	has := func(backend netip.AddrPort) Sight {
		return Sight{Flow: Flow{Listen: at, Client: client, Backend: backend, Source: seen, Idle: 3 * time.Second}, Established: true, Lasts: time.Hour}
	}
	with := func(change func(*Sight)) Sight { var s Sight; change(&s); return s }
	for name, tt := range map[string]struct {
		plan    func(*Plan)
		sight   Sight
		outcome Outcome
		backend netip.AddrPort
		says    string // somewhere in the summary or the points
	}{
		"a hash":                {nil, Sight{}, Gets, a, "the hash of the flow is slot"},
		"by source":             {func(p *Plan) { p.Select = BySource; p.Service.Sources = [2]uint8{24} }, Sight{}, Gets, a, "the hash of 198.51.100.0/24 is slot"},
		"in turn":               {func(p *Plan) { p.Select = InTurn; p.Table = []uint16{0, 1} }, Sight{Turn: 1}, Could, b, "flows that begin or end before it change that"},
		"in turn, of threads":   {func(p *Plan) { p.Select = InTurn; p.Table = []uint16{0, 1} }, Sight{Chance: true}, Could, a, "it gets one of 10.0.0.11:80, 10.0.0.12:80"},
		"least":                 {func(p *Plan) { p.Select = Least; p.Table = []uint16{0, 1} }, Sight{Flows: map[uint32]uint64{1: 5, 2: 3}}, Could, b, "the fewest flows for its weight: 3"},
		"full":                  {func(p *Plan) { p.Targets[0].MaxFlows = 2 }, Sight{Flows: map[uint32]uint64{1: 2}}, Nowhere, netip.AddrPort{}, "10.0.0.11:80 is full: it has 2 flows of 2"},
		"nobody":                {func(p *Plan) { p.Table = nil }, Sight{}, Nowhere, netip.AddrPort{}, "no backend gets new flows"},
		"not allowed":           {func(p *Plan) { p.Service.Allow = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} }, Sight{}, Nowhere, netip.AddrPort{}, "198.51.100.7 may not connect"},
		"allowed":               {func(p *Plan) { p.Service.Allow = []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")} }, Sight{}, Gets, a, "198.51.100.7 is in 198.51.100.0/24"},
		"the service is full":   {func(p *Plan) { p.Service.MaxFlows = 9 }, Sight{Flows: map[uint32]uint64{0: 9}}, Nowhere, netip.AddrPort{}, "the service has 9 flows, and may have 9"},
		"a flow":                {nil, has(b), Has, b, "an established flow to 10.0.0.12:80, silent for 3s, which sees it come from 192.0.2.9:1024"},
		"a flow, not allowed":   {func(p *Plan) { p.Service.Allow = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} }, has(b), Has, b, "it has 10.0.0.12:80"},
		"a flow that drains":    {func(p *Plan) { p.Targets[1].State = Drain }, has(b), Has, b, "10.0.0.12:80 is in state drain: it keeps its flows"},
		"its backend is down":   {func(p *Plan) { p.Targets[1].State = Down }, has(b), Gets, a, "on_down says that others get its flows"},
		"down, and keeps":       {func(p *Plan) { p.Targets[1].State = Down; p.Service.OnDown = Keep }, has(b), Has, b, "on_down says that it keeps its flows"},
		"down, and resets":      {func(p *Plan) { p.Targets[1].State = Down; p.Service.OnDown = Reset }, has(b), Nowhere, netip.AddrPort{}, "the client has to connect again"},
		"its backend is gone":   {nil, has(c), Gets, a, "10.0.0.13:80 is no backend of the service any more"},
		"affinity":              {func(p *Plan) { p.Service.Affinity = time.Hour }, with(func(s *Sight) { s.Bond, s.Bound = b, 59*time.Minute }), Gets, b, "is sent there for another 59m0s"},
		"affinity, and drained": {func(p *Plan) { p.Service.Affinity = time.Hour; p.Targets[1].State = Drain }, with(func(s *Sight) { s.Bond = b }), Gets, a, "the client had 10.0.0.12:80, which is in state drain"},
		"affinity, and new":     {func(p *Plan) { p.Service.Affinity = time.Hour }, Sight{}, Gets, a, "the client had no flow within 1h0m0s"},
		"others drain":          {func(p *Plan) { p.Targets[1].State = Drain }, Sight{}, Gets, a, "10.0.0.12:80 is in state drain: it gets no new flows"},
	} {
		t.Run(name, func(t *testing.T) {
			p := &Plan{
				Service: &Service{Name: "web", Listen: []Endpoint{at}, Scheduler: Maglev}, Targets: []Target{{ID: 1, Addr: a, Weight: 100}, {ID: 2, Addr: b, Weight: 100}},
				Table: []uint16{0},
			}
			if tt.plan != nil {
				tt.plan(p)
			}
			e := p.Explain(client, at, tt.sight)
			all := e.Summary
			for _, x := range e.Points {
				all += "\n" + x.Subject + ": " + x.Text
			}
			if e.Outcome != tt.outcome || e.Backend != tt.backend || !strings.Contains(all, tt.says) {
				t.Errorf("%s %s, want %s %s and %q:\n%s", e.Outcome, e.Backend, tt.outcome, tt.backend, tt.says, all)
			}
		})
	}
}
