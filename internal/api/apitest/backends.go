package apitest

import (
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
)

// Backends is two services, with every field set somewhere.
func Backends() api.Backends {
	until := Now().Add(5 * time.Minute)
	since := Now().Add(-time.Hour)
	return api.Backends{
		Schema: api.SchemaBackends, Node: "lb1", Now: Now(),
		Services: []api.Service{
			{
				Name: "shop", Listen: []string{"192.0.2.10:443/tcp"}, Scheduler: "least-connections", Forward: "proxy",
				Served: "its own backends", Following: true, Generation: 12, Refused: 1, Limited: 2,
				Flows: 121, Drops: map[string]uint64{"refused": 1, "limited": 2, "failed": 3},
				Backends: []api.Backend{
					{
						Address: "10.0.0.11:443", State: "up", Why: "HTTP 200 in 1.7 ms", Weight: 10, Share: 100, Flows: 117, New: 90210,
						BytesIn: 1 << 20, BytesOut: 3 << 30, PacketsIn: 4711, PacketsOut: 5813, Failures: 3,
						Drops: map[string]uint64{"failed": 3},
					},
					{Address: "10.0.0.12:443", State: "drain", Why: "it drains, asked by root", Weight: 10, MaxFlows: 500, DrainsTo: &until, Flows: 4},
					{Address: "10.0.0.21:443", State: "down", Why: "connection refused after 0.2 ms", Weight: 1, Backup: true},
				},
			},
			{
				Name: "names", Listen: []string{"192.0.2.10:53/udp"}, Scheduler: "round-robin", Forward: "proxy", Served: "its sorry backends",
				Generation: 1, Backends: []api.Backend{{Address: "[2001:db8::53]:53", State: "up", Why: "it has no checks", Weight: 1, Share: 100, Sorry: true}},
			},
		},
		Hooks: []api.Hook{
			{Interface: "eth0", Hook: "xdp", Why: "its driver, mlx5_core, is known to be good"},
			{Interface: "eth1", Hook: "tc", Why: "no XDP: its driver, virtio_net, is not one whose XDP is known to be good"},
		},
		Flows: &api.Mirror{
			Peers: []api.MirrorPeer{
				{
					Node: "lb2", Signed: true, Told: &since, Complete: &since, Lag: api.Duration(3 * time.Millisecond), Behind: api.Duration(time.Millisecond),
					Flows: 180211, Refused: 1, Overruns: 2, Heard: &since, HeardLag: api.Duration(4 * time.Millisecond), Taken: 7, Missed: 8,
				},
				{Node: "lb3", Heard: &since, Holder: true},
			},
			Groups: []api.MirrorGroup{{Group: "web", InSync: true, Since: since}, {Group: "mail", Since: since}},
		},
	}
}

// FlowExplanation is that of a flow that is there.
func FlowExplanation() api.FlowExplanation {
	return api.FlowExplanation{
		Schema: api.SchemaFlowExplanation, Node: "lb1", Now: Now(), Service: "shop", Forward: "full-nat",
		From: "198.51.100.7:40000", To: "192.0.2.10:443/tcp", Outcome: "has", Backend: "10.0.0.12:443", Summary: "it has 10.0.0.12:443",
		Flow: &api.FlowState{
			Backend: "10.0.0.12:443", Source: "192.0.2.10:20117", Established: true, Idle: api.Duration(1700 * time.Millisecond), Lasts: api.Duration(2 * time.Hour),
		},
		Facts: []api.Fact{
			{Subject: "address", Verdict: api.VerdictOK, Text: "this node holds 192.0.2.10"},
			{Subject: "flow", Verdict: api.VerdictOK, Text: "an established flow to 10.0.0.12:443, silent for 1.7s, which sees it come from 192.0.2.10:20117; without a packet it is forgotten after 2h0m0s"},
			{Subject: "backend", Verdict: api.VerdictOK, Text: "10.0.0.12:443 is in state drain: it keeps its flows"},
			{Subject: "backend", Verdict: api.VerdictBars, Text: "10.0.0.21:443 is in state down: it gets no new flows"},
		},
	}
}

// Planes is a data plane of each kind.
func Planes() []api.Plane {
	return []api.Plane{
		{
			Name: "kernel", Hook: "tcx", Tables: []api.Table{{Name: "flows", Used: 9210, Size: 524288}, {Name: "half-open", Used: 318, Size: 65536}},
			Ports: []api.Ports{{Service: "shop", Address: "192.0.2.10", Backend: "10.0.0.11:443", Used: 117, Size: 32256}},
		},
		{Name: "proxy", Tables: []api.Table{{Name: "sessions", Used: 12, Size: 65536}}},
	}
}
