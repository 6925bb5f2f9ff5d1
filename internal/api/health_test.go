package api_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/api/apitest"
)

func TestHealth(t *testing.T) {
	both := []api.Router{{Family: "ipv4"}, {Family: "ipv6"}}
	active4 := api.Peer{Address: "192.0.2.2", Family: "ipv4", State: "active"}
	active6 := api.Peer{Address: "fe80::2", Family: "ipv6", State: "active"}
	for _, tt := range []struct {
		name    string
		status  api.Status
		want    api.Health
		holders []string
	}{
		{"nothing to hold", api.Status{}, api.Healthy, nil},
		{"held here", api.Status{Groups: []api.Group{{State: "active", Holder: "lb1", HolderIsMe: true, Routers: both}}}, api.Healthy, []string{"lb1"}},
		{"held there, in both families", api.Status{Groups: []api.Group{{State: "backup", Holder: "192.0.2.2", Routers: both, Peers: []api.Peer{active4, active6}}}}, api.Healthy, []string{"192.0.2.2"}},
		{"held here and there", api.Status{Groups: []api.Group{{State: "active", Holder: "lb1", HolderIsMe: true, Routers: both, Peers: []api.Peer{active6}}}}, api.Conflict, []string{"lb1", "fe80::2"}},
		{"used by another machine", api.Status{Groups: []api.Group{{State: "active", Holder: "lb1", HolderIsMe: true, Routers: both, Conflict: apitest.Contested()}}}, api.Conflict, []string{"lb1"}},
		{"held twice elsewhere", api.Status{Groups: []api.Group{{State: "backup", Holder: "b", Routers: both, Peers: []api.Peer{{Node: "b", Family: "ipv4", State: "active"}, {Node: "c", Family: "ipv4", State: "active"}}}}}, api.Conflict, []string{"b", "c"}},
		{"nobody", api.Status{Groups: []api.Group{{State: "backup", Routers: both}}}, api.NoHolder, nil},
		{"fault here, held there", api.Status{Groups: []api.Group{{State: "fault", Holder: "b", Routers: both}}}, api.Degraded, nil},
		{"a check is down", api.Status{Groups: []api.Group{{State: "backup", Holder: "b", Checks: []api.Check{{Up: true}, {}}}}}, api.Degraded, nil},
		{"a warning", api.Status{Warnings: []api.Warning{{}}}, api.Degraded, nil},
		{"no data plane serves", api.Status{Services: []api.Service{{Unserved: "it is gone", Backends: []api.Backend{{Share: 100}}}}}, api.Degraded, nil},
		{"a service is served", api.Status{Services: []api.Service{{Backends: []api.Backend{{}, {Share: 100}}}}}, api.Healthy, nil},
		{"nobody serves a service", api.Status{Services: []api.Service{{Backends: []api.Backend{{}}}}}, api.Degraded, nil},
		{"maintenance", api.Status{Maintenance: true}, api.Degraded, nil},
		{"the worst counts", api.Status{Maintenance: true, Groups: []api.Group{{State: "backup"}, {State: "fault", Holder: "b"}}}, api.NoHolder, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.status.Health(); got != tt.want {
				t.Errorf("health = %s, want %s", got, tt.want)
			}
			if len(tt.status.Groups) == 1 {
				if diff := cmp.Diff(tt.holders, tt.status.Groups[0].Holders()); diff != "" {
					t.Errorf("holders (-want +got):\n%s", diff)
				}
			}
		})
	}
}
