package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/holdfast-net/holdfast/internal/check"
	"github.com/holdfast-net/holdfast/vrrp"
)

// byValue compares addresses, whose fields are their own business.
var byValue = cmp.Options{
	cmpopts.IgnoreUnexported(Check{}),
	cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
	cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
}

// everything is testdata/good.txtar's file with every key in it.
func everything(t *testing.T) string {
	t.Helper()
	ar, err := txtar.ParseFile("testdata/good.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range ar.Files {
		if f.Name == "everything.yaml" {
			return string(f.Data)
		}
	}
	t.Fatal("everything.yaml is gone")
	return ""
}

func TestParse_Everything(t *testing.T) {
	got := mustParse(t, everything(t))
	key := func(b string, n int) Secret { return NewSecret(bytes.Repeat([]byte(b), n)) }
	want := &Config{
		Node: "lb1",
		Groups: []Group{{
			Name:      "dns",
			Interface: "eth0",
			Addresses: []netip.Prefix{netip.MustParsePrefix("192.0.2.53/32")},
			VRRP:      VRRP{ID: 52, Priority: 100, Interval: time.Second, Version: 3, Preempt: true, Hops: 255, Accept: true},
			Checks:    []Use{{"lan", 50}, {"uplink", 0}},
			With:      []string{"web"},
			Run:       Run{Timeout: 30 * time.Second},
			Announce:  Announce{Repeat: 7, Refresh: time.Minute},
		}, {
			Name:      "web",
			Interface: "eth0",
			Addresses: []netip.Prefix{netip.MustParsePrefix("192.0.2.10/24"), netip.MustParsePrefix("2001:db8::10/64"), netip.MustParsePrefix("fe80::10/64")},
			VRRP: VRRP{
				ID: 51, Priority: 150, Interval: 100 * time.Millisecond, Version: 3,
				Preempt: true, PreemptDelay: 10 * time.Second, StartupDelay: 5 * time.Second,
				Peers: []netip.Addr{netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("2001:db8::2")},
				Hops:  254, MAC: MACPhysical, Accept: true, Checksum: vrrp.ChecksumRFC9568,
				LearnMin: 50 * time.Millisecond, LearnMax: time.Second,
				Auth: Auth{HMAC: &HMAC{
					Keys:   map[uint8]Secret{1: key("\x0f", 32), 2: key("-", 32), 3: key("a key of text", 3)},
					Active: 1, Mode: vrrp.Permissive, Window: 10 * time.Second,
				}},
			},
			Checks:   []Use{{"uplink", 0}, {"lan", 20}},
			With:     []string{"dns"},
			Run:      Run{Active: []string{"/usr/local/bin/promote", "active", ""}, Backup: []string{"/usr/local/bin/promote"}, Fault: []string{"/usr/local/bin/promote"}, Timeout: 10 * time.Second},
			Announce: Announce{Repeat: 3},
		}},
		Checks:   []Check{linkCheck("lan", "eth0"), linkCheck("uplink", "eth1")},
		State:    "/var/lib/holdfast",
		Control:  Control{Socket: "/run/holdfast/holdfast.sock", Group: "holdfast"},
		HTTP:     HTTP{Listen: "127.0.0.1:9110"},
		Realtime: Realtime{Priority: 60},
		Watchdog: Watchdog{Device: "/dev/watchdog", Timeout: 10 * time.Second},
		Flows:    Flows{Port: 9112, Wait: 30 * time.Second},
		Balancer: Balancer{Hook: "tc", Flows: 262144, HalfOpen: 32768, Ports: Ports{First: 16384, Last: 65535}},
		Path:     "holdfast.yaml",
		Source:   []byte(everything(t)),
		Hash:     got.Hash,
	}
	if diff := cmp.Diff(want, got, byValue); diff != "" {
		t.Errorf("Parse (-want +got):\n%s", diff)
	}
}

// linkCheck is a check of a link as it is without further settings.
func linkCheck(name, link string) Check {
	return Check{Spec: check.Spec{Name: name, Kind: check.Link{Name: link, Min: 1}, Settings: check.Settings{
		Interval: time.Second, FastInterval: time.Second, DownInterval: time.Second, Timeout: time.Second, Jitter: 5, Rise: 1, Fall: 1,
	}}}
}

func TestParse_Defaults(t *testing.T) {
	got := mustParse(t, "groups: {web: {addresses: [192.0.2.10/24], vrrp: {id: 51}}}")
	if got.Node != "lb1" || got.State != "/var/lib/holdfast" || got.Control != (Control{Socket: "/run/holdfast/holdfast.sock"}) ||
		got.HTTP.Listen != "" || got.Realtime != (Realtime{RealtimeAuto, 50}) {
		t.Errorf("defaults of the daemon: %+v", got)
	}
	want := VRRP{ID: 51, Priority: 100, Interval: time.Second, Version: 3, Preempt: true, Hops: 255, Accept: true}
	if diff := cmp.Diff(want, got.Groups[0].VRRP, byValue); diff != "" {
		t.Errorf("defaults of vrrp (-want +got):\n%s", diff)
	}
}

// The readers and the schema must know the same keys: one that is not read
// would be accepted and ignored.
func TestSchema_EveryKeyIsRead(t *testing.T) {
	index := newKeyIndex()
	used := map[string]bool{}
	sources := []string{
		"checks: {a: {tcp: 127.0.0.1:80, flap: {changes: 4}}}",
		"checks: {a: {script: {address: 10.0.0.1:1, preset: redis, user: a, password: {text: b}}}}",
		everything(t),
		"groups: {a: {addresses: [192.0.2.10], vrrp: {id: 1, version: 2, auth: {pass: {text: a}}}}}\nrealtime: off",
		"groups: {a: {addresses: [192.0.2.10], vrrp: {id: 1, auth: {hmac: {keys: {1: {hex: a}}}}}}}",
		"groups: {a: {addresses: [192.0.2.10], vrrp: {id: 1, version: 2, auth: {pass: {env: A}}}}}",
		voting,
		serving,
		taking,
		"groups: {a: {addresses: [192.0.2.10], vrrp: {id: 1}}}\nfence: {nodes: {b: {levels: [[d]]}}, devices: {d: {agent: fence_dummy, secrets: {a: {text: b}}}}}",
		"groups: {a: {addresses: [192.0.2.10], lease: {store: etcd, endpoints: ['a:1'], password: {text: a}, tls: {ca: /a}}}}",
		"groups: {a: {addresses: [192.0.2.10], vrrp: {id: 1, bfd: {interval: 5ms, multiplier: 3, auth: {text: a}}}}}",
	}
	for _, k := range kindTests() {
		sources = append(sources, k.source())
	}
	for _, src := range sources {
		text, r := normalise("holdfast.yaml", []byte(src))
		rd := &reader{report: r, facts: testFacts(), index: index, used: used}
		rd.config(parseYAML(text, r))
	}
	for _, k := range schema() {
		if !used[k.path] && k.path != "groups.NAME" && k.path != "checks.NAME" {
			t.Errorf("no reader asks for %s", k.path)
		}
	}
	for path := range used {
		if _, ok := index.keys[path]; !ok {
			t.Errorf("%s is read but not in the schema", path)
		}
	}
}

func TestSecret_IsNeverShown(t *testing.T) {
	s := NewSecret([]byte("hunter22"))
	cfg := mustParse(t, "groups: {web: {addresses: [192.0.2.10/24], vrrp: {id: 51, version: 2, auth: {pass: {env: HOLDFAST_PASS}}}}}")
	asJSON, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	shown := fmt.Sprintf("%v %+v %#v %s %q %x %d %v", s, s, s, s, s, s, s, &s) + fmt.Sprintf("%v %+v %#v", *cfg, cfg.Groups, cfg.Groups) + string(asJSON)
	for _, secret := range []string{"hunter22", "s3cret", "68756e746572"} {
		if strings.Contains(shown, secret) {
			t.Errorf("%q is shown in %s", secret, shown)
		}
	}
}

func TestGroup_Router(t *testing.T) {
	g := mustParse(t, everything(t)).Groups[1]
	if diff := cmp.Diff([]vrrp.Family{vrrp.IPv4, vrrp.IPv6}, g.Families()); diff != "" {
		t.Errorf("Families (-want +got):\n%s", diff)
	}
	six := g.Router(vrrp.IPv6)
	if diff := cmp.Diff([]netip.Addr{netip.MustParseAddr("fe80::10"), netip.MustParseAddr("2001:db8::10")}, six.Addresses, byValue); diff != "" {
		t.Errorf("the link-local address comes first (-want +got):\n%s", diff)
	}
	if len(six.Peers) != 1 || six.Peers[0] != netip.MustParseAddr("2001:db8::2") {
		t.Errorf("IPv6 peers = %v", six.Peers)
	}
	g.Addresses = []netip.Prefix{netip.MustParsePrefix("2001:db8::10/64")}
	if got := g.Router(vrrp.IPv6).Addresses[0]; got != netip.MustParseAddr("fe80::200:5eff:fe00:233") {
		t.Errorf("generated link-local address = %s", got)
	}
}

// What nodes must agree on is in the hash, and nothing else.
func TestConfig_Hash(t *testing.T) {
	base := mustParse(t, diffBase).Hash
	for _, tt := range []struct {
		from, to string
		same     bool
	}{
		{"groups:\n", "node: lb2\ngroups:\n", true},
		{"{id: 51,", "{id: 51, priority: 150, preempt: false,", true},
		{"checks: [uplink]", "interface: eth1", true},
		{"1: {file: key}", "1: {file: binary}", true},
		{"{id: 51,", "{id: 52,", false},
		{"{id: 51,", "{id: 51, interval: 2s,", false},
		{"[192.0.2.10/24]", "[192.0.2.11/24]", false},
		{"{id: 53}", "{id: 53}, with: [web]", false},
		{", 2: {file: key2}", "", false},
	} {
		got := mustParse(t, strings.Replace(diffBase, tt.from, tt.to, 1)).Hash
		if (got == base) != tt.same {
			t.Errorf("%s → %s: same hash %v, want %v", tt.from, tt.to, got == base, tt.same)
		}
	}
}

func TestClosure(t *testing.T) {
	cfg := mustParse(t, `
groups:
  a: {addresses: [192.0.2.10/24], vrrp: {id: 1}, with: [b]}
  b: {addresses: [192.0.2.11/24], vrrp: {id: 2}, with: [a]}
  c: {addresses: [192.0.2.12/24], vrrp: {id: 3}, with: [b]}
  d: {addresses: [192.0.2.13/24], vrrp: {id: 4}}
`)
	want := [][]string{{"b", "c"}, {"a", "c"}, {"a", "b"}, nil}
	for i, g := range cfg.Groups {
		if diff := cmp.Diff(want[i], g.With); diff != "" {
			t.Errorf("%s moves with (-want +got):\n%s", g.Name, diff)
		}
	}
}

func TestDiagnostics_JSON(t *testing.T) {
	_, ds := Parse("holdfast.yaml", []byte("groups: {web: {addresses: [192.0.2.10/24], vrrp: {id: 300}}}"), testFacts())
	got, err := json.Marshal(ds)
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"severity":"error","rule":"HF1017","file":"holdfast.yaml","line":1,"column":55,"length":3,"message":"id 300 is outside 1 to 255"}]`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	none, err := json.Marshal(Diagnostics(nil))
	if string(none) != "[]" || err != nil {
		t.Errorf("none = %s, %v", none, err)
	}
	if e, w := ds.Count(); e != 1 || w != 0 {
		t.Errorf("Count = %d, %d", e, w)
	}
	if got := ds[0].Error(); got != "holdfast.yaml:1:55: error HF1017: id 300 is outside 1 to 255" {
		t.Errorf("Error() = %s", got)
	}
}

func TestDiagnostics_RenderInColor(t *testing.T) {
	_, ds := Parse("holdfast.yaml", []byte("nod: lb1"), testFacts())
	var b strings.Builder
	if err := ds[:1].Render(&b, Colors); err != nil {
		t.Fatal(err)
	}
	want := "\x1b[1mholdfast.yaml:1:1\x1b[0m: \x1b[1;31merror HF1010\x1b[0m: unknown key \"nod\" here\n" +
		"\x1b[1;31m>\x1b[0m  1 | nod: lb1\n     | \x1b[1;31m^^^\x1b[0m\n\x1b[1mhint:\x1b[0m did you mean node?\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("Render (-want +got):\n%s", diff)
	}
}

func TestLoad_RelativeSecret(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	write("holdfast.yaml", "node: lb1\ngroups: {web: {addresses: [192.0.2.10/24], vrrp: {id: 51, version: 2, auth: {pass: {file: pass}}}}}", 0o644)
	write("pass", "s3cret\n", 0o600)
	cfg, ds := Load(filepath.Join(dir, "holdfast.yaml"), Here(nil))
	if len(ds) != 0 || cfg == nil || string(cfg.Groups[0].VRRP.Auth.Pass.Bytes()) != "s3cret" {
		t.Fatalf("Load = %v, %v", cfg, ds)
	}
	f := Here(nil)
	f.LookupEnv = func(string) (string, bool) { return "", false }
	for _, src := range []string{"{file: pass}", "{credential: pass}"} {
		_, ds := Parse("holdfast.yaml", []byte("node: lb1\ngroups: {web: {addresses: [192.0.2.10/24], vrrp: {id: 51, version: 2, auth: {pass: "+src+"}}}}"), f)
		if len(ds) != 1 || ds[0].Rule != ruleSecret {
			t.Errorf("%s without a place to look: %v", src, ds)
		}
	}
}

func TestLoad_Unreadable(t *testing.T) {
	for _, path := range []string{"/no/such/file.yaml", "testdata"} {
		cfg, ds := Load(path, testFacts())
		if cfg != nil || len(ds) != 1 || ds[0].Rule != ruleUnreadable {
			t.Errorf("Load(%q) = %v, %v; want one %s", path, cfg, ds, ruleUnreadable)
		}
	}
}

func TestParse_TooLarge(t *testing.T) {
	for name, src := range map[string]string{
		"bytes":   strings.Repeat("#", maxBytes+1),
		"keys":    "groups:\n" + strings.Repeat("  a:\n", maxEntries+1),
		"items":   "with: [" + strings.Repeat("a, ", maxEntries+1) + "a]",
		"entries": "with:\n" + strings.Repeat("- a\n", maxEntries+1),
		"deep":    strings.Repeat("[", 1<<20),
		"dashes":  strings.Repeat("- ", 1<<20),
	} {
		cfg, ds := Parse("holdfast.yaml", []byte(src), testFacts())
		if cfg != nil || len(ds) != 1 || ds[0].Rule != ruleTooBig {
			t.Errorf("%s: %v", name, ds)
		}
	}
}

// There is an end to what one file can make us say, and it does not turn
// errors into warnings.
func TestParse_ManyProblems(t *testing.T) {
	src := "checks:\n"
	for i := range 2 * maxFound {
		src += fmt.Sprintf("  c%d: {link: eth0}\n", i)
	}
	_, ds := Parse("holdfast.yaml", []byte(src+"groups: {a: {addresses: [192.0.2.10/24], vrrp: {id: 1}, checks: [nothing]}}"), testFacts())
	if len(ds) != maxFound+1 || !ds.HasErrors() {
		t.Errorf("%d diagnostics, errors %v; want %d and true", len(ds), ds.HasErrors(), maxFound+1)
	}
}

func TestParse_ThousandsOfGroups(t *testing.T) {
	var b strings.Builder
	b.WriteString("groups:\n")
	for i := range 4000 {
		fmt.Fprintf(&b, "  g%d:\n    addresses: [10.%d.%d.10/24]\n    interface: v%d\n    vrrp: {id: %d, priority: 150, interval: 100ms}\n", i, i/250, i%250, i/200, i%200+1)
	}
	start := time.Now()
	cfg, ds := Parse("holdfast.yaml", []byte(b.String()), Facts{Hostname: "lb1"})
	if cfg == nil || len(cfg.Groups) != 4000 {
		t.Fatalf("%v", ds)
	}
	t.Logf("%d KiB in %s", b.Len()>>10, time.Since(start).Round(time.Millisecond))
}

func TestNearest(t *testing.T) {
	words := []string{"preempt", "preempt_delay", "priority", "peers", "mac"}
	for word, want := range map[string]string{
		"prioirty": "priority", "preemt": "preempt", "preempt-delay": "preempt_delay", "Peers": "peers", "peer": "peers",
		"mca": "mac", "x": "", "": "", "completely-different": "", "prio": "priority",
	} {
		if got := nearest(word, words); got != want {
			t.Errorf("nearest(%q) = %q, want %q", word, got, want)
		}
	}
}
