package local

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-net/holdfast/internal/check"
)

// values is a Kernel made of values. What a real one answers is tested where
// it is implemented.
type values struct {
	links  []Link
	addrs  []Addr
	routes []Route
	err    error
}

func (v values) Links(check.Link) ([]Link, error)        { return v.links, v.err }
func (v values) Addresses(check.Address) ([]Addr, error) { return v.addrs, v.err }
func (v values) Routes(check.Route) ([]Route, error)     { return v.routes, v.err }

func TestTables(t *testing.T) {
	to, via := netip.MustParsePrefix("10.0.0.0/8"), netip.MustParseAddr("192.0.2.254")
	is := netip.MustParseAddr("192.0.2.1")
	kinds := []check.Kind{
		check.Link{Name: "eth0", Min: 1},
		check.Address{Is: is},
		check.Route{To: to, Table: check.MainTable, Via: via, Dev: "eth0"},
	}
	for _, tt := range []struct {
		name   string
		kernel Kernel
		want   []check.Seen // of each kind
	}{
		{"nothing at hand", nil, []check.Seen{check.Failed(noKernel), check.Failed(noKernel), check.Failed(noKernel)}},
		{"errors", values{err: errors.New("cannot ask: no memory")}, []check.Seen{
			check.Failed("cannot ask: no memory"), check.Failed("cannot ask: no memory"), check.Failed("cannot ask: no memory"),
		}},
		{"empty", values{}, []check.Seen{
			check.Failed("there is no interface eth0"), check.Failed("it is on no interface, wanted on any"),
			check.Failed("there is no route to 10.0.0.0/8, wanted via 192.0.2.254 dev eth0"),
		}},
		{"half there", values{
			links: []Link{{Name: "eth0", Up: true, Why: "it is dormant, waiting for instance for 802.1X", MTU: 1500}},
			addrs: []Addr{{Dev: "eth0", Prefix: netip.PrefixFrom(is, 24), Tentative: true}},
			routes: []Route{
				{To: to, Hops: []Hop{{Dev: "eth0"}}},
				{To: to, Hops: []Hop{{Dev: "eth0", Via: via, Dead: true}}},
				{To: to, Refuse: "prohibit"},
				{To: to, Hops: []Hop{{Dev: "eth5"}}},
			},
		}, []check.Seen{
			check.Failed("it is up, but: it is dormant, waiting for instance for 802.1X, wanted carrier"),
			check.Failed("it is on eth0, but not answered for yet (tentative)"),
			check.Failed("the route to 10.0.0.0/8 is dev eth0 and via 192.0.2.254 dev eth0, whose link is down and prohibit and …, wanted via 192.0.2.254 dev eth0"),
		}},
		{"there", values{
			links:  []Link{{Name: "eth0", Up: true, Carrier: true, MTU: 1500}},
			addrs:  []Addr{{Dev: "eth9", Prefix: netip.PrefixFrom(is, 24), Tentative: true}, {Dev: "eth0", Prefix: netip.PrefixFrom(is, 24)}},
			routes: []Route{{To: to, Refuse: "blackhole"}, {To: to, Hops: []Hop{{Dev: "eth0", Via: via}}}},
		}, []check.Seen{check.Passed("up, MTU 1500"), check.Passed("192.0.2.1/24 on eth0"), check.Passed("via 192.0.2.254 dev eth0")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for i, kind := range kinds {
				p, err := New(kind, Env{Kernel: tt.kernel})
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tt.want[i], try(t, p, long)); diff != "" {
					t.Errorf("%s (-want +got):\n%s", kind.Word(), diff)
				}
			}
		})
	}
}

func TestNeighbours(t *testing.T) {
	peer := netip.MustParseAddr("192.0.2.2")
	session := func(state string, up, known bool) func(netip.Addr, string) (string, bool, bool) {
		return func(a netip.Addr, dev string) (string, bool, bool) {
			if a != peer || dev != "eth0" {
				t.Errorf("asked about %s on %q", a, dev)
			}
			return state, up, known
		}
	}
	heard := func(ago time.Duration, known bool) func(string) (time.Duration, bool) {
		return func(string) (time.Duration, bool) { return ago, known }
	}
	bfd, node := check.BFD{Peer: peer, Dev: "eth0"}, check.Peer{Node: "lb2", Within: 5 * time.Second}
	for _, tt := range []struct {
		kind check.Kind
		env  Env
		want check.Seen
	}{
		{bfd, Env{}, check.Failed("this node keeps no BFD sessions")},
		{bfd, Env{Session: session("", false, false)}, check.Failed("there is no session with 192.0.2.2 on eth0, wanted one that is up")},
		{bfd, Env{Session: session("init", false, true)}, check.Failed("the session on eth0 is init, wanted up")},
		{bfd, Env{Session: session("up", true, true)}, check.Passed("the session on eth0 is up")},
		{node, Env{}, check.Failed("this node listens to no others")},
		{node, Env{Heard: heard(0, false)}, check.Failed("lb2 was never heard, wanted within 5s")},
		{node, Env{Heard: heard(6*time.Second, true)}, check.Failed("heard 6s ago, wanted within 5s")},
		{node, Env{Heard: heard(5*time.Second, true)}, check.Passed("heard 5.0 s ago")},
	} {
		p, err := New(tt.kind, tt.env)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, try(t, p, long)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.kind.Word(), diff)
		}
	}
}

func TestNew_RefusesOtherKinds(t *testing.T) {
	if p, err := New(check.TCP{}, Env{}); p != nil || err == nil {
		t.Errorf("%v %v", p, err)
	}
}
