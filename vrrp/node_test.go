package vrrp

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The addresses of every test: this node is .10, so .9 is lower and .20 is
// higher than it.
var (
	self   = netip.MustParseAddr("192.0.2.10")
	lower  = netip.MustParseAddr("192.0.2.9")
	higher = netip.MustParseAddr("192.0.2.20")
	vip    = netip.MustParseAddr("192.0.2.100")

	self6  = netip.MustParseAddr("fe80::10")
	lower6 = netip.MustParseAddr("fe80::9")
	vip6   = netip.MustParseAddr("fe80::100")
)

// ipv4, ipv6 and version2 are the configurations that tests start from.
func ipv4(change ...func(*Config)) Config {
	return changed(Config{
		VRID: 51, Family: IPv4, Version: 3, Priority: 100, Interval: time.Second,
		Addresses: []netip.Addr{vip}, Source: self,
	}, change)
}

func ipv6(change ...func(*Config)) Config {
	return changed(Config{
		VRID: 51, Family: IPv6, Version: 3, Priority: 100, Interval: time.Second,
		Addresses: []netip.Addr{vip6}, Source: self6,
	}, change)
}

func version2(change ...func(*Config)) Config {
	return changed(Config{
		VRID: 51, Family: IPv4, Version: 2, Priority: 100, Interval: time.Second,
		Addresses: []netip.Addr{vip}, Source: self,
	}, change)
}

func changed(c Config, change []func(*Config)) Config {
	for _, f := range change {
		f(&c)
	}
	return c
}

func priority(p uint8) func(*Config)         { return func(c *Config) { c.Priority = p } }
func interval(d time.Duration) func(*Config) { return func(c *Config) { c.Interval = d } }
func source(a netip.Addr) func(*Config)      { return func(c *Config) { c.Source = a } }
func noPreempt(c *Config)                    { c.NoPreempt = true }
func ask(c *Config)                          { c.Ask = true }
func hold(d time.Duration) func(*Config)     { return func(c *Config) { c.StartupHold = d } }
func preemptDelay(d time.Duration) func(*Config) {
	return func(c *Config) { c.PreemptDelay = d }
}

// node is a router on the bench, with a clock moved by hand.
type node struct {
	*Router
	t     *testing.T
	now   time.Time
	began time.Time
}

// begin is noon of a day; only differences and the seconds in trailers matter.
var begin = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// place puts a router on the bench, not started.
func place(t *testing.T, cfg Config) *node {
	t.Helper()
	r, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return &node{Router: r, t: t, now: begin, began: begin}
}

// backup gives a started node in state backup.
func backup(t *testing.T, cfg Config) *node {
	t.Helper()
	n := place(t, cfg)
	n.do(Startup(), "init -> backup: started")
	return n
}

// active gives a node that became active because it heard nobody.
func active(t *testing.T, cfg Config) *node {
	t.Helper()
	n := place(t, cfg)
	n.Step(n.now, Startup(), nil)
	for n.State() != Active {
		n.now = n.Deadline()
		n.Step(n.now, Tick(), nil)
	}
	return n
}

// do steps the router and compares what it does with the story wanted.
func (n *node) do(ev Event, want ...string) {
	n.t.Helper()
	n.compare(ev.String(), n.Step(n.now, ev, nil), want)
}

func (n *node) compare(what string, got []Action, want []string) {
	n.t.Helper()
	story := make([]string, 0, len(got))
	for _, a := range got {
		story = append(story, a.String())
	}
	if want == nil {
		want = []string{}
	}
	if diff := cmp.Diff(want, story); diff != "" {
		n.t.Errorf("after %s, on %s (-want +got):\n%s", n.now.Sub(n.began), what, diff)
	}
}

// wait lets time pass, with a tick at each deadline.
func (n *node) wait(d time.Duration, want ...string) {
	n.t.Helper()
	end := n.now.Add(d)
	var got []Action
	for ticks := 0; ; ticks++ {
		at := n.Deadline()
		if at.IsZero() || at.After(end) || ticks > 10_000 {
			break
		}
		if at.After(n.now) {
			n.now = at
		}
		got = n.Step(n.now, Tick(), got)
	}
	n.now = end
	n.compare("waiting "+d.String(), got, want)
}

// advert is one that a peer with the node's own settings would send.
func (n *node) advert(prio uint8) Advert {
	c := n.Config()
	return Advert{Version: c.Version, VRID: c.VRID, Priority: prio, Interval: c.Interval, Addresses: c.Addresses}
}

// hear delivers a peer's advert of a priority.
func (n *node) hear(from netip.Addr, prio uint8, want ...string) {
	n.t.Helper()
	n.hearAdvert(from, n.advert(prio), want...)
}

// hearAdvert delivers an advert that differs in more than its priority.
func (n *node) hearAdvert(from netip.Addr, a Advert, want ...string) {
	n.t.Helper()
	n.do(Received(n.packet(from, a)), want...)
}

func (n *node) packet(from netip.Addr, a Advert) *Packet {
	dst := n.Config().Family.Group()
	return &Packet{Src: from, Dst: dst, TTL: 255, Payload: a.Append(nil, from, dst, ChecksumAuto)}
}

// due compares the time until the deadline.
func (n *node) due(want time.Duration) {
	n.t.Helper()
	at := n.Deadline()
	if at.IsZero() {
		n.t.Errorf("after %s: no deadline, want one in %s", n.now.Sub(n.began), want)
	} else if got := at.Sub(n.now); got != want {
		n.t.Errorf("after %s: deadline in %s, want in %s", n.now.Sub(n.began), got, want)
	}
}

func (n *node) in(want State) {
	n.t.Helper()
	if n.State() != want {
		n.t.Errorf("after %s: state %s, want %s", n.now.Sub(n.began), n.State(), want)
	}
}

// Intervals of RFC 9568 §6.1 at one second.
const (
	skew100 = 156 * time.Second / 256
	down100 = 3*time.Second + skew100
)
