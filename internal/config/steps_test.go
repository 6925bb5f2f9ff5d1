package config

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const taking = `
groups:
  db:
    addresses: [192.0.2.10/24]
    vrrp: {id: 51}
    steps:
    - {exec: [/usr/local/bin/promote, up], undo: [/usr/local/bin/promote, down], timeout: 10s, undo_timeout: 20s, user: root}
    - {wait: [/bin/sh]}
    - {notify: [/usr/local/bin/promote]}
    - {unit: postgresql@15-main}
    - {ocf: {agent: heartbeat:pgsql, promote: true, instance: db, parameters: {rep_mode: sync, password: hush}}}
    - {address: {address: 198.51.100.77/24, interface: lo}}
    - {route: {to: default, via: 192.0.2.254, interface: eth0, source: 192.0.2.1, table: 77, metric: 10}}
    - {rule: {from: 198.51.100.77, to: 203.0.113.0/24, interface: eth0, mark: 5, table: 77, priority: 100}}
    - {sysctl: {name: net.ipv4.ip_forward, value: 1, undo: 0}}
    ready: [uplink]
checks: {uplink: {link: eth1}}
`

func TestParse_Steps(t *testing.T) {
	got := mustParse(t, taking).Groups[0]
	want := []Step{
		{Exec: []string{"/usr/local/bin/promote", "up"}, Undo: []string{"/usr/local/bin/promote", "down"}, User: "root", Timeout: 10 * time.Second, UndoTimeout: 20 * time.Second},
		{Wait: []string{"/bin/sh"}},
		{Notify: []string{"/usr/local/bin/promote"}},
		{Unit: "postgresql@15-main.service"},
		{OCF: &OCF{Provider: "heartbeat", Type: "pgsql", Instance: "db", Promote: true, Parameters: map[string]string{"rep_mode": "sync", "password": "hush"}}},
		{Address: &StepAddress{Prefix: netip.MustParsePrefix("198.51.100.77/24"), Interface: "lo"}},
		{Route: &StepRoute{
			To: netip.MustParsePrefix("0.0.0.0/0"), Via: netip.MustParseAddr("192.0.2.254"), Interface: "eth0",
			Source: netip.MustParseAddr("192.0.2.1"), Table: 77, Metric: 10,
		}},
		{Rule: &StepRule{
			From: netip.MustParsePrefix("198.51.100.77/32"), To: netip.MustParsePrefix("203.0.113.0/24"),
			Interface: "eth0", Mark: 5, Table: 77, Priority: 100,
		}},
		{Sysctl: &StepSysctl{Name: "net.ipv4.ip_forward", Value: "1", Undo: "0"}},
	}
	if diff := cmp.Diff(want, got.Steps, byValue); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if !cmp.Equal(got.Ready, []string{"uplink"}) || got.ReadyTimeout != 30*time.Second {
		t.Errorf("ready: %v within %s", got.Ready, got.ReadyTimeout)
	}
	names := []string{
		"exec /usr/local/bin/promote up", "wait /bin/sh", "notify /usr/local/bin/promote", "unit postgresql@15-main.service", "ocf heartbeat:pgsql db",
		"address 198.51.100.77/24 on lo", "route 0.0.0.0/0 via 192.0.2.254 on eth0 table 77 metric 10",
		"rule from 198.51.100.77/32 to 203.0.113.0/24 interface eth0 mark 5 table 77", "sysctl net.ipv4.ip_forward",
	}
	for i, s := range got.Steps {
		if s.Name() != names[i] {
			t.Errorf("step %d is called %q", i+1, s.Name())
		}
	}
}

// A change of what an agent is told is seen, and not shown.
func TestDiff_Steps(t *testing.T) {
	for _, tt := range []struct{ old, new, path string }{
		{"password: hush", "password: other", "steps[5].details"},
		{"timeout: 10s", "timeout: 11s", "steps[1].timeout"},
		{"unit: postgresql@15-main", "unit: mysql", "steps[4]"},
		{"ready: [uplink]", "ready: [uplink]\n    ready_timeout: 5s", "ready_timeout"},
	} {
		changes := Diff(mustParse(t, taking), mustParse(t, strings.Replace(taking, tt.old, tt.new, 1)))
		if len(changes) != 1 || len(changes[0].Fields) == 0 || changes[0].Fields[0].Path != tt.path || changes[0].Effect != InPlace {
			t.Errorf("%s: %+v", tt.new, changes)
		}
		for _, c := range changes {
			for _, f := range c.Fields {
				if strings.Contains(f.From+f.To, "hush") || strings.Contains(f.From+f.To, "other") {
					t.Errorf("%s shows %+v", tt.new, f)
				}
			}
		}
	}
}

// What an agent says of itself is for who knows the machine.
func TestParse_Agent(t *testing.T) {
	facts := testFacts()
	facts.Agent = func(o OCF) []error { return []error{errors.New("agent " + o.Type + " has no parameter password")} }
	cfg, ds := Parse("holdfast.yaml", []byte(taking), facts)
	if cfg == nil || len(ds) != 1 || ds[0].Severity != Warning || ds[0].Message != "agent pgsql has no parameter password" {
		t.Errorf("%v", ds)
	}
}
