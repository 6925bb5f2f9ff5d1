package config

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/check"
)

// serving has every key of a service.
const serving = `
groups: {web: {addresses: [192.0.2.10/24, 192.0.2.11/24], vrrp: {id: 51}}}
checks:
  https: {http: {url: "https://www.example.org/healthz", connect: backend}, interval: 2s}
  own-port: {http: "http://backend:8080/healthz"}
  alive: {ping: backend}
  database: {tcp: "10.0.9.9:5432"}
services:
  web:
    listen: [192.0.2.10:443/tcp, 192.0.2.11:443/tcp]
    scheduler: maglev
    forward: full-nat
    backends:
      - {address: "10.0.0.12:443"}
      - {address: "10.0.0.11:443", weight: 10, max_flows: 1000}
      - {address: "10.0.0.31:80", sorry: true}
      - {address: "10.0.0.21:443", backup: true}
    checks: [https, own-port, alive, database]
    affinity: 10m
    sources: {ipv4: 24, ipv6: 64}
    table_size: 4093
    on_removed: reset
    slow_start: 30s
    panic: 50
    max_flows: 100000
    new_per_second: 5000
    allow: [10.1.2.3/8]
    timeouts: {half_open: 10s, established: 1h, closing: 30s, closed: 5s, udp: 1m, udp_assured: 2m}
  resolver: {listen: 192.0.2.10:53/udp, forward: tunnel, tunnel: gue, backends: [{address: "10.0.0.11:53"}]}
  old: {listen: 192.0.2.10:80/tcp, forward: proxy, translate: [], backends: [{address: "10.0.0.11:80"}], on_down: keep, proxy: {connect: 1s, retries: 3, protocol: v2, queue: 10s, max_queue: 100}}
`

func TestServices_AsWritten(t *testing.T) {
	cfg := mustParse(t, serving)
	var got []*balance.Service
	for _, s := range cfg.Services {
		got = append(got, s.Service)
		if diff := cmp.Diff([]string{"web"}, s.Groups); diff != "" {
			t.Errorf("groups of %s (-want +got):\n%s", s.Name, diff)
		}
	}
	addr := netip.MustParseAddrPort
	usual := balance.Timeouts{HalfOpen: 30 * time.Second, Established: 2 * time.Hour, Closing: time.Minute, Closed: 10 * time.Second, UDP: 30 * time.Second, UDPAssured: 3 * time.Minute}
	checks := func(b string) []string { return []string{"https@" + b, "own-port@" + b, "alive@" + b, "database"} }
	want := []*balance.Service{
		{
			Name: "old", Listen: []balance.Endpoint{{AddrPort: addr("192.0.2.10:80"), Proto: balance.TCP}},
			Forward: balance.Proxy, Backends: []balance.Backend{{Addr: addr("10.0.0.11:80"), Weight: 1}},
			Sources: [2]uint8{32, 128}, TableSize: 65537, OnDown: balance.Keep, OnRemoved: balance.Keep, Timeouts: usual,
			Proxying: balance.Proxying{Connect: time.Second, Retries: 3, Header: balance.HeaderV2, Queue: 10 * time.Second, MaxQueue: 100},
		},
		{
			Name: "resolver", Listen: []balance.Endpoint{{AddrPort: addr("192.0.2.10:53"), Proto: balance.UDP}},
			Forward: balance.Tunnel, Encapsulation: balance.GUE, Backends: []balance.Backend{{Addr: addr("10.0.0.11:53"), Weight: 1}},
			Sources: [2]uint8{32, 128}, TableSize: 65537, OnDown: balance.Rehash, OnRemoved: balance.Keep, Timeouts: usual,
			Proxying: balance.Proxying{Connect: 5 * time.Second, Retries: 2},
		},
		{
			Name: "web",
			Listen: []balance.Endpoint{
				{AddrPort: addr("192.0.2.10:443"), Proto: balance.TCP},
				{AddrPort: addr("192.0.2.11:443"), Proto: balance.TCP},
			},
			Scheduler: balance.Maglev, Forward: balance.FullNAT,
			Backends: []balance.Backend{
				{Addr: addr("10.0.0.11:443"), Weight: 10, MaxFlows: 1000, Checks: checks("10.0.0.11:443")},
				{Addr: addr("10.0.0.12:443"), Weight: 1, Checks: checks("10.0.0.12:443")},
				{Addr: addr("10.0.0.21:443"), Weight: 1, Backup: true, Checks: checks("10.0.0.21:443")},
				{Addr: addr("10.0.0.31:80"), Weight: 1, Sorry: true},
			},
			Sources: [2]uint8{24, 64}, Affinity: 10 * time.Minute, TableSize: 4093,
			OnDown: balance.Reset, OnRemoved: balance.Reset, SlowStart: 30 * time.Second, Panic: 50,
			MaxFlows: 100000, NewPerSecond: 5000, Allow: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
			Timeouts: balance.Timeouts{HalfOpen: 10 * time.Second, Established: time.Hour, Closing: 30 * time.Second, Closed: 5 * time.Second, UDP: time.Minute, UDPAssured: 2 * time.Minute},
			// Where nothing is written, the addresses that clients know.
			Translate: []netip.Addr{netip.MustParseAddr("192.0.2.10"), netip.MustParseAddr("192.0.2.11")},
			Proxying:  balance.Proxying{Connect: 5 * time.Second, Retries: 2},
		},
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b }),
		cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Errorf("services (-want +got):\n%s", diff)
	}
}

// A check that looks at backends is one for each of them, and none by itself.
func TestServices_ChecksOfBackends(t *testing.T) {
	cfg := mustParse(t, serving)
	kinds := map[string]string{}
	for _, k := range cfg.Checks {
		kinds[k.Name] = k.Kind.Target()
		if k.Kind.Word() == "http" && k.Name == "https@10.0.0.11:443" {
			h := k.Kind.(check.HTTP)
			if h.URLs[0] != "https://www.example.org/healthz" || h.Connect.String() != "10.0.0.11:443" || k.Interval != 2*time.Second {
				t.Errorf("%s: %+v every %s", k.Name, h, k.Interval)
			}
		}
	}
	for name, want := range map[string]string{
		"own-port@10.0.0.12:443": "http://10.0.0.12:8080/healthz",
		"alive@10.0.0.21:443":    "10.0.0.21",
		"database":               "10.0.9.9:5432",
	} {
		if kinds[name] != want {
			t.Errorf("check %s looks at %q, want %q", name, kinds[name], want)
		}
	}
	if len(kinds) != 3*3+1 {
		t.Errorf("%d checks: %v", len(kinds), kinds)
	}
}

func TestForBackend_EveryKindThatConnects(t *testing.T) {
	b := netip.MustParseAddrPort("[2001:db8::1]:443")
	to := check.Endpoint{Host: backendHost}
	for _, tt := range []struct {
		kind check.Kind
		want string
	}{
		{check.TCP{To: to}, "[2001:db8::1]:443"},
		{check.TCP{To: check.Endpoint{Host: backendHost, Port: 80}}, "[2001:db8::1]:80"},
		{check.TLS{To: to}, "[2001:db8::1]:443"},
		{check.UDP{To: to}, "[2001:db8::1]:443"},
		{check.GRPC{To: to}, "[2001:db8::1]:443"},
		{check.Agent{To: to}, "[2001:db8::1]:443"},
		{check.Postgres{To: to}, "[2001:db8::1]:443"},
		{check.Ping{Host: backendHost}, "2001:db8::1"},
		{check.HTTP{URLs: []string{"https://backend/healthz"}}, "https://[2001:db8::1]:443/healthz"},
	} {
		got, is := forBackend(tt.kind, b)
		if !is || got.Target() != tt.want {
			t.Errorf("%s looks at %q (%t), want %q", tt.kind.Word(), got.Target(), is, tt.want)
		}
		if again, is := forBackend(got, b); is {
			t.Errorf("%s still looks at any backend: %v", tt.kind.Word(), again)
		}
	}
	if _, is := forBackend(check.Exec{}, b); is {
		t.Error("a program looks at backends")
	}
}

func TestDiff_Services(t *testing.T) {
	one := mustParse(t, "groups: {web: {addresses: [192.0.2.10/24], vrrp: {id: 51}}}\nservices: {web: {listen: 192.0.2.10:80/tcp, panic: 10, backends: [{address: '10.0.0.1:80'}]}}")
	two := mustParse(t, "groups: {web: {addresses: [192.0.2.10/24], vrrp: {id: 51}}}\nservices: {web: {listen: 192.0.2.10:80/tcp, panic: 20, backends: [{address: '10.0.0.1:80'}, {address: '10.0.0.2:80', weight: 3}]}}")
	want := []Change{{Kind: Changed, Effect: InPlace, Fields: []Field{
		{Path: "services.web.panic", From: "10", To: "20"},
		{Path: "services.web.backends.2.address", To: "10.0.0.2:80"},
		{Path: "services.web.backends.2.weight", To: "3"},
	}}}
	if diff := cmp.Diff(want, Diff(one, two)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if one.Hash == two.Hash {
		t.Error("nodes with other backends agree on what they must have in common")
	}
}
