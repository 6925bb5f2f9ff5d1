package config

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-net/holdfast/internal/check"
)

type kindTest struct {
	text string
	want check.Kind
}

// source is a file with a check.
func (k kindTest) source() string {
	return "groups: {web: {interface: eth0, addresses: [192.0.2.10/24], vrrp: {id: 51}, checks: [it, lan, uplink]}}\n" +
		"checks:\n  lan: {link: eth0}\n  uplink: {link: eth1}\n  it:\n    " + k.text + "\n"
}

// kindTests are each kind, as short as it can be written and with all that it
// takes.
func kindTests() []kindTest {
	to := func(host string, port uint16) check.Endpoint { return check.Endpoint{Host: host, Port: port} }
	via := check.Via{Source: netip.MustParseAddr("192.0.2.1"), Device: "eth0", Mark: 7}
	const viaText = ", source: 192.0.2.1, device: eth0, mark: 7}"
	web := check.HTTP{
		URLs: []string{"http://127.0.0.1/healthz"}, Method: "GET", Status: check.DefaultStatus(),
		MaxBody: check.DefaultMaxBody, Secure: check.DefaultSecure(),
	}
	teapot := web
	teapot.Status = check.StatusSet{{From: 200, To: 200}, {From: 418, To: 418}}
	two := web
	two.Version = check.HTTP2
	full := check.HTTP{
		URLs: []string{"https://10.0.0.1/a", "https://10.0.0.1/b"}, Connect: to("10.0.0.2", 443), Method: "POST", Host: "www.example.org",
		Headers: []check.Header{{Name: "Accept", Value: "text/plain"}, {Name: "Authorization", Value: "s3cret"}}, Body: "hello",
		Status: check.StatusSet{{From: 200, To: 299}, {From: 302, To: 302}}, Expect: check.Pattern{Form: check.Regexp, Text: "ok|fine"},
		Reject: check.Pattern{Form: check.Contains, Text: "error"}, MaxBody: 100, Redirects: 2, KeepAlive: true,
		Secure: check.Secure{Name: "internal", Verify: false}, Via: via,
	}
	redis, _ := check.Preset("redis", check.Login{Password: "s3cret"})
	redis.To = to("10.0.0.1", 6379)
	standby := check.Postgres{
		To: to("10.0.0.1", 5433), User: "holdfast", Password: "s3cret", Database: "app", SSLMode: "verify-full",
		Secure: check.Secure{Verify: true, CA: "/etc/ca.pem"}, Role: check.Standby, MaxLag: 10 * time.Second, Query: "select ready()", Value: "t", Via: via,
	}
	plainPostgres := check.DefaultPostgres()
	plainPostgres.To = to("10.0.0.1", 5432)

	return []kindTest{
		{"tcp: 127.0.0.1:80", check.TCP{To: to("127.0.0.1", 80)}},
		{"tcp: {address: '[2001:db8::1]:80'}", check.TCP{To: to("2001:db8::1", 80)}},
		{"tcp: {address: 192.0.2.9:80" + viaText, check.TCP{To: to("192.0.2.9", 80), Via: via}},
		{"tls: 192.0.2.9:443", check.TLS{To: to("192.0.2.9", 443), Secure: check.DefaultSecure()}},
		{
			"tls: {address: 192.0.2.9:443, name: a.example, ca: /ca, cert: /cert, key: /key, alpn: [h2, http/1.1], min_days: 3, warn_days: 14}",
			check.TLS{To: to("192.0.2.9", 443), Secure: check.Secure{
				Name: "a.example", Verify: true, CA: "/ca", Cert: "/cert", Key: "/key",
				ALPN: []string{"h2", "http/1.1"}, MinDays: 3, WarnDays: 14,
			}},
		},
		{"http: http://127.0.0.1/healthz", web},
		{"http: {url: 'http://127.0.0.1/healthz', status: '200,418'}", teapot},
		{`http: {urls: ["https://10.0.0.1/a", "https://10.0.0.1/b"], connect: 10.0.0.2, method: POST, host: www.example.org,
      headers: {Accept: text/plain, Authorization: {file: pass}}, body: hello, status: "200-299,302", expect: {regexp: ok|fine},
      reject: error, max_body: 100, redirects: 2, keep_alive: true, tls: {name: internal, verify: false}` + viaText, full},
		{"script: {address: 10.0.0.1, preset: redis, password: {file: pass}}", redis},
		{"http: {url: 'http://127.0.0.1/healthz', version: 2}", two},
		{`script: {address: 10.0.0.1:25, steps: [{expect: {regexp: "^220 "}}, {send: "HELO me\r\n", expect: "250", fail: {regexp: "^[45]"}}, {send: {hex: 00 ff}, expect: {hex: "?0"}}], goodbye: "QUIT\r\n", polite: true, max_read: 100, tls: {}}`, check.Script{
			To: to("10.0.0.1", 25), Steps: []check.Step{
				{Expect: check.Pattern{Form: check.Regexp, Text: "^220 "}},
				{Send: "HELO me\r\n", Expect: check.Pattern{Form: check.Contains, Text: "250"}, Fail: check.Pattern{Form: check.Regexp, Text: "^[45]"}},
				{Send: "\x00\xff", Expect: check.Pattern{Form: check.Hex, Text: "?0"}},
			},
			Secure: &check.Secure{Verify: true}, Goodbye: []byte("QUIT\r\n"), Polite: true, MaxRead: 100,
		}},
		{"postgres: 10.0.0.1", plainPostgres},
		{"postgres: {address: 10.0.0.1:5433, user: holdfast, password: {file: pass}, database: app, sslmode: verify-full, tls: {ca: /etc/ca.pem}, role: standby, max_lag: 10s, query: select ready(), value: t" + viaText, standby},
		{"dns: 10.0.0.53", check.DNS{To: to("10.0.0.53", 53), Name: ".", Type: "SOA", RCode: "NOERROR"}},
		{"dns: {address: 10.0.0.53:5353, name: a.example, type: A, answer: 192.0.2.10, network: tcp, iterative: true}", check.DNS{
			To: to("10.0.0.53", 5353), Name: "a.example", Type: "A", RCode: "NOERROR", Answer: check.Pattern{Form: check.Contains, Text: "192.0.2.10"},
			Network: check.DNSTCP, Iterative: true,
		}},
		{"udp: {address: 10.0.0.1:123, send: {hex: e3 00}, expect: {hex: '?4'}}", check.UDP{
			To: to("10.0.0.1", 123), Send: "\xe3\x00", Expect: check.Pattern{Form: check.Hex, Text: "?4"}, Listen: 200 * time.Millisecond,
		}},
		{"udp: {address: 10.0.0.1:514, silence: passes, listen: 500ms}", check.UDP{To: to("10.0.0.1", 514), Silence: check.SilencePasses, Listen: 500 * time.Millisecond}},
		{"ping: 192.0.2.1", check.Ping{Host: "192.0.2.1", Count: 1, Spacing: 100 * time.Millisecond, Size: 56}},
		{"ping: {host: fe80::1%eth0, count: 5, spacing: 50ms, max_loss: 40, size: 100}", check.Ping{Host: "fe80::1%eth0", Count: 5, Spacing: 50 * time.Millisecond, MaxLoss: 40, Size: 100}},
		{"grpc: 10.0.0.1:50051", check.GRPC{To: to("10.0.0.1", 50051)}},
		{"grpc: {address: 10.0.0.1:50051, service: shop.Cart, authority: shop, tls: {}}", check.GRPC{
			To: to("10.0.0.1", 50051), Service: "shop.Cart", Authority: "shop", Secure: &check.Secure{Verify: true},
		}},
		{"exec: [/usr/local/bin/promote, web]", check.Exec{Run: []string{"/usr/local/bin/promote", "web"}, Codes: check.CodesStatus}},
		{"exec: {run: [/usr/local/bin/promote], user: web, group: adm, codes: nagios}", check.Exec{Run: []string{"/usr/local/bin/promote"}, User: "web", Group: "adm", Codes: check.CodesNagios}},
		{"file: /run/ready", check.File{Path: "/run/ready", Times: 1}},
		{"file: {path: /run/maintenance, absent: true}", check.File{Path: "/run/maintenance", Absent: true, Times: 1}},
		{"file: {path: /run/weight, value: true, times: -10, max_age: 30s}", check.File{Path: "/run/weight", Value: true, Times: -10, MaxAge: 30 * time.Second}},
		{"file: {path: /run/state, contains: primary}", check.File{Path: "/run/state", Contains: "primary", Times: 1}},
		{"process: nginx", check.Process{Name: "nginx", Min: 1, Max: check.Unbounded}},
		{"process: {command: '^/usr/bin/java', user: app, min: 2, max: 4}", check.Process{Command: "^/usr/bin/java", User: "app", Min: 2, Max: 4}},
		{"link: eth1", check.Link{Name: "eth1", Min: 1}},
		{"link: {name: 'eth*', min: 2, no_carrier: true, speed: 10000, mtu: 9000}", check.Link{Name: "eth*", Min: 2, NoCarrier: true, Speed: 10000, MTU: 9000}},
		{"route: default", check.Route{To: netip.MustParsePrefix("0.0.0.0/0"), Table: check.MainTable}},
		{"route: {to: 10.0.0.0/8, via: 192.0.2.1, dev: eth0, table: 100}", check.Route{To: netip.MustParsePrefix("10.0.0.0/8"), Via: netip.MustParseAddr("192.0.2.1"), Dev: "eth0", Table: 100}},
		{"route: {to: 8.8.8.8, lookup: true}", check.Route{To: netip.MustParsePrefix("8.8.8.8/32"), Lookup: true}},
		{"address: 10.0.0.1", check.Address{Is: netip.MustParseAddr("10.0.0.1")}},
		{"address: {is: '2001:db8::1', dev: lo}", check.Address{Is: netip.MustParseAddr("2001:db8::1"), Dev: "lo"}},
		{"bfd: 192.0.2.2", check.BFD{Peer: netip.MustParseAddr("192.0.2.2")}},
		{"bfd: {peer: 'fe80::2', dev: eth0}", check.BFD{Peer: netip.MustParseAddr("fe80::2"), Dev: "eth0"}},
		{"agent: 10.0.0.1:8081", check.Agent{To: to("10.0.0.1", 8081)}},
		{`agent: {address: "10.0.0.1:8081", send: "web\n", required: true}`, check.Agent{To: to("10.0.0.1", 8081), Send: "web\n", Required: true}},
		{"peer: lb2", check.Peer{Node: "lb2", Within: 5 * time.Second}},
		{"peer: {node: lb2, within: 3s}", check.Peer{Node: "lb2", Within: 3 * time.Second}},
		{"all: [lan, uplink]", check.All{Of: []string{"lan", "uplink"}}},
		{"any: [lan, uplink]", check.Any{Of: []string{"lan", "uplink"}}},
		{"not: lan", check.Not{Of: "lan"}},
	}
}

func TestKinds(t *testing.T) {
	seen := map[string]bool{}
	for _, tt := range kindTests() {
		cfg := mustParse(t, tt.source())
		got := cfg.Checks[0]
		if diff := cmp.Diff(tt.want, got.Kind, cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.text, diff)
		}
		seen[got.Kind.Word()] = true
	}
	for _, word := range kindWords {
		if !seen[word] {
			t.Errorf("no test reads %s", word)
		}
	}
}

func TestSettings(t *testing.T) {
	read := func(text string) check.Settings {
		t.Helper()
		return mustParse(t, "groups: {web: {interface: eth0, addresses: [192.0.2.10/24], vrrp: {id: 51}, checks: [it]}}\nchecks: {it: {"+text+"}}\n").Checks[0].Settings
	}
	ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	tests := []struct {
		text string
		want check.Settings
	}{
		{"tcp: 127.0.0.1:80", check.Settings{Interval: ms(1000), FastInterval: ms(1000), DownInterval: ms(1000), Timeout: ms(1000), Jitter: 5, Rise: 2, Fall: 3}},
		{"file: /run/x", check.Settings{Interval: ms(1000), FastInterval: ms(1000), DownInterval: ms(1000), Timeout: ms(1000), Jitter: 5, Rise: 1, Fall: 1}},
		{"tcp: 127.0.0.1:80, interval: 50ms", check.Settings{Interval: ms(50), FastInterval: ms(50), DownInterval: ms(50), Timeout: ms(100), Jitter: 5, Rise: 2, Fall: 3}},
		{"tcp: 127.0.0.1:80, interval: 10s", check.Settings{Interval: ms(10000), FastInterval: ms(10000), DownInterval: ms(10000), Timeout: ms(2000), Jitter: 5, Rise: 2, Fall: 3}},
		{
			"tcp: 127.0.0.1:80, interval: 2s, fast_interval: 500ms, down_interval: 5s, timeout: 300ms, jitter: 0, rise: 4, fall: 5, initial: down, flap: {changes: 4, within: 1m, stable: 10s}",
			check.Settings{
				Interval: ms(2000), FastInterval: ms(500), DownInterval: ms(5000), Timeout: ms(300), Rise: 4, Fall: 5, Initial: check.InitialDown,
				Flap: check.Flap{Changes: 4, Within: time.Minute, Stable: 10 * time.Second},
			},
		},
		{"tcp: 127.0.0.1:80, flap: {}", check.Settings{
			Interval: ms(1000), FastInterval: ms(1000), DownInterval: ms(1000), Timeout: ms(1000), Jitter: 5, Rise: 2, Fall: 3,
			Flap: check.Flap{Changes: 3, Within: 5 * time.Minute, Stable: time.Minute},
		}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, read(tt.text)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.text, diff)
		}
	}
}
