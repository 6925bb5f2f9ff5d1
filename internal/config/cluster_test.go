package config

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// voting has every key about votes, though nobody would write all of them.
const voting = `
groups:
  web: {addresses: [192.0.2.10/24], vrrp: {id: 1}, guard: {gateway: 192.0.2.254}}
cluster:
  nodes: {lb2: "192.0.2.2:9200", lb1: 192.0.2.1}
  witnesses: {w1: 203.0.113.9}
  key: {file: key}
  second_key: {file: binary}
witness: {listen: ":9113", key: {file: key}, second_key: {file: key2}}
`

func TestParse_Cluster(t *testing.T) {
	src, _, _ := strings.Cut(voting, "witness: {")
	got := mustParse(t, src)
	want := &Cluster{
		Nodes: []Voter{
			{"lb1", netip.MustParseAddrPort("192.0.2.1:9113")},
			{"lb2", netip.MustParseAddrPort("192.0.2.2:9200")},
		},
		Witnesses: []Voter{{"w1", netip.MustParseAddrPort("203.0.113.9:9113")}},
		Keys:      got.Cluster.Keys,
	}
	if diff := cmp.Diff(want, got.Cluster, byValue, cmpopts.EquateComparable(netip.AddrPort{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(got.Cluster.Keys) != 2 || got.Witness != nil || got.Cluster.Voters() != 3 {
		t.Errorf("%d keys, %d voters", len(got.Cluster.Keys), got.Cluster.Voters())
	}
	if g := got.Groups[0].Guard; g != (Guard{GuardGateway, netip.MustParseAddr("192.0.2.254")}) {
		t.Errorf("guard: %s", g)
	}
}

func TestParse_Witness(t *testing.T) {
	got := mustParse(t, "witness: {key: {file: key}}")
	if got.Witness == nil || got.Witness.Listen != ":9113" || len(got.Witness.Keys) != 1 || got.Node != "lb1" {
		t.Errorf("%+v", got.Witness)
	}
}

// Three voters can lose one, so groups are guarded unless the file says
// otherwise; two cannot.
func TestGuard_Default(t *testing.T) {
	const group = "groups: {web: {addresses: [192.0.2.10/24], vrrp: {id: 1}%s}}\n"
	const key = "key: {file: key}"
	for _, tt := range []struct{ guard, cluster, want string }{
		{"", "", "available"},
		{"", "cluster: {nodes: {lb1: 192.0.2.1, lb2: 192.0.2.2}, " + key + "}", "available"},
		{"", "cluster: {nodes: {lb1: 192.0.2.1, lb2: 192.0.2.2, lb3: 192.0.2.3}, " + key + "}", "guarded"},
		{"", "cluster: {nodes: {lb1: 192.0.2.1, lb2: 192.0.2.2}, witnesses: {w: 192.0.2.9}, " + key + "}", "guarded"},
		{", guard: available", "cluster: {nodes: {lb1: 192.0.2.1, lb2: 192.0.2.2, lb3: 192.0.2.3}, " + key + "}", "available"},
		{", guard: {gateway: 192.0.2.254}", "", "{gateway: 192.0.2.254}"},
	} {
		got := mustParse(t, strings.Replace(group, "%s", tt.guard, 1)+tt.cluster)
		if g := got.Groups[0].Guard.String(); g != tt.want {
			t.Errorf("%s %s: %s", tt.guard, tt.cluster, g)
		}
	}
}

func TestDiff_Cluster(t *testing.T) {
	const base = "groups: {web: {addresses: [192.0.2.10/24], vrrp: {id: 1}}}\n" +
		"cluster: {nodes: {lb1: 192.0.2.1, lb2: 192.0.2.2}, witnesses: {w: 192.0.2.9}, key: {file: key}}"
	for _, tt := range []struct {
		from, to string
		want     []Change
	}{
		{
			"w: 192.0.2.9", "w: 192.0.2.8",
			[]Change{{Kind: Changed, Effect: Daemon, Fields: []Field{{"cluster.witnesses.w", "192.0.2.9:9113", "192.0.2.8:9113", Daemon}}}},
		},
		{
			"{file: key}", "{file: key2}",
			[]Change{{Kind: Changed, Effect: Daemon, Fields: []Field{{"cluster.key", redacted, redacted, Daemon}}}},
		},
		{
			"id: 1}", "id: 1}, guard: available",
			[]Change{{Kind: Changed, Group: "web", Effect: Election, Fields: []Field{{"guard", "guarded", "available", Election}}}},
		},
	} {
		got := Diff(mustParse(t, base), mustParse(t, strings.Replace(base, tt.from, tt.to, 1)))
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.to, diff)
		}
	}
	other := mustParse(t, strings.Replace(base, "w: 192", "v: 192", 1))
	if other.Hash == mustParse(t, base).Hash {
		t.Error("nodes that count other voters seem to agree")
	}
}
