package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const diffBase = `
groups:
  dns: {addresses: [192.0.2.53/24], vrrp: {id: 53}}
  web:
    addresses: [192.0.2.10/24]
    vrrp: {id: 51, auth: {hmac: {keys: {1: {file: key}, 2: {file: key2}}, active: 1}}}
    checks: [uplink]
    run: {active: [/usr/local/bin/promote]}
checks: {uplink: {link: eth1}}
`

func mustParse(t *testing.T, src string) *Config {
	t.Helper()
	cfg, ds := Parse("holdfast.yaml", []byte(src), testFacts())
	if cfg == nil {
		t.Fatalf("%s\n%v", src, ds)
	}
	return cfg
}

func TestDiff(t *testing.T) {
	one := func(path, from, to string, e Effect) []Change {
		return []Change{{Kind: Changed, Group: "web", Effect: e, Fields: []Field{{path, from, to, e}}}}
	}
	daemon := func(path, from, to string, e Effect) []Change {
		c := one(path, from, to, e)
		c[0].Group = ""
		return c
	}
	for _, tt := range []struct {
		name     string
		from, to string // replaced in diffBase
		want     []Change
	}{
		{"nothing", "", "", nil},
		{"comments and order", "groups:\n", "# hello\nnode: lb1\ngroups:\n", nil},
		{"default written out", "{id: 53}", "{id: 53, priority: 100, interval: 1000ms}", nil},
		{"priority", "{id: 51,", "{id: 51, priority: 150,", one("vrrp.priority", "100", "150", InPlace)},
		{"interval", "{id: 51,", "{id: 51, interval: 100ms,", one("vrrp.interval", "1s", "100ms", InPlace)},
		{"minutes", "{id: 51,", "{id: 51, preempt_delay: 1h,", one("vrrp.preempt_delay", "0s", "1h", InPlace)},
		{"id", "{id: 51,", "{id: 52,", one("vrrp.id", "51", "52", Election)},
		{"version", "{id: 51,", "{id: 51, version: 2,", one("vrrp.version", "3", "2", Election)},
		{"mac", "{id: 51,", "{id: 51, mac: physical,", one("vrrp.mac", "auto", "physical", Election)},
		{"interface", "    checks: [uplink]", "    interface: eth1\n    checks: [uplink]", one("interface", "eth0", "eth1", Election)},
		{
			"one more address", "[192.0.2.10/24]", "[192.0.2.10/24, 192.0.2.11/24]",
			one("addresses", "[192.0.2.10/24]", "[192.0.2.10/24, 192.0.2.11/24]", InPlace),
		},
		{
			"one more family", "[192.0.2.10/24]", "[192.0.2.10/24, 2001:db8::10/64]",
			one("addresses", "[192.0.2.10/24]", "[192.0.2.10/24, 2001:db8::10/64]", Election),
		},
		{"peers", "{id: 51,", "{id: 51, peers: [192.0.2.2],", one("vrrp.peers", "", "[192.0.2.2]", InPlace)},
		{"learn", "{id: 51,", "{id: 51, learn: {max: 5s},", one("vrrp.learn.max", "", "5s", InPlace)},
		{"key replaced", "1: {file: key}", "1: {file: binary}", one("vrrp.auth.hmac.keys.1", "[secret]", "[secret]", InPlace)},
		{"key added", "2: {file: key2}", "2: {file: key2}, 3: {file: binary}", one("vrrp.auth.hmac.keys.3", "", "[secret]", InPlace)},
		{"key removed", ", 2: {file: key2}", "", one("vrrp.auth.hmac.keys.2", "[secret]", "", InPlace)},
		{"active key", "active: 1", "active: 2", one("vrrp.auth.hmac.active", "1", "2", InPlace)},
		{"weight", "[uplink]", "{uplink: {weight: 20}}", one("checks", "[uplink]", "[{uplink: {weight: 20}}]", InPlace)},
		{"program", "promote]", "promote, now, \"\"]", one("run.active", "[/usr/local/bin/promote]", `[/usr/local/bin/promote, now, ""]`, InPlace)},
		{"announce", "    checks: [uplink]", "    announce: {refresh: 0s}\n    checks: [uplink]", one("announce.refresh", "1m", "0s", InPlace)},
		{"link of a check", "link: eth1", "link: eth2", daemon("checks.uplink.link", "eth1", "eth2", InPlace)},
		{"another check", "link: eth1", "link: {name: eth1, mtu: 9000}", []Change{{Kind: Changed, Fields: []Field{
			{"checks.uplink.link", "eth1", "", InPlace}, {"checks.uplink.link.name", "", "eth1", InPlace}, {"checks.uplink.link.mtu", "", "9000", InPlace},
		}}}},
		{"interval of a check", "link: eth1}", "link: eth1, interval: 2s}", daemon("checks.uplink.interval", "", "2s", InPlace)},
		{"node", "groups:\n", "node: lb2\ngroups:\n", daemon("node", "lb1", "lb2", Daemon)},
		{"http", "groups:\n", "http: {listen: \":9110\"}\ngroups:\n", daemon("http.listen", "", ":9110", Daemon)},
		{"realtime", "groups:\n", "realtime: off\ngroups:\n", daemon("realtime.mode", "auto", "off", Daemon)},
		{"with is symmetric", "vrrp: {id: 53}", "vrrp: {id: 53}, with: [web]", []Change{
			{Kind: Changed, Group: "dns", Fields: []Field{{"with", "", "[web]", InPlace}}},
			{Kind: Changed, Group: "web", Fields: []Field{{"with", "", "[dns]", InPlace}}},
		}},
		{"renamed", "  dns:", "  api:", []Change{
			{Kind: Added, Group: "api", Effect: Election, Fields: []Field{
				{"addresses", "", "[192.0.2.53/24]", Election}, {"interface", "", "eth0", Election}, {"vrrp.id", "", "53", Election}, {"vrrp.priority", "", "100", InPlace},
			}},
			{Kind: Removed, Group: "dns", Effect: Election, Fields: []Field{
				{"addresses", "[192.0.2.53/24]", "", Election}, {"interface", "eth0", "", Election}, {"vrrp.id", "53", "", Election}, {"vrrp.priority", "100", "", InPlace},
			}},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if !strings.Contains(diffBase, tt.from) {
				t.Fatalf("%q is not in the base", tt.from)
			}
			got := Diff(mustParse(t, diffBase), mustParse(t, strings.Replace(diffBase, tt.from, tt.to, 1)))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Diff (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDiff_FromNothing(t *testing.T) {
	got := Diff(nil, mustParse(t, diffBase))
	if len(got) != 3 || got[1].Kind != Added || got[1].Group != "dns" || got[2].Kind != Added || got[2].Group != "web" {
		t.Errorf("Diff(nil, …) = %v; want the check and both groups added", got)
	}
}
