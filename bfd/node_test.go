package bfd

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var (
	hereAddr  = netip.MustParseAddr("192.0.2.1")
	thereAddr = netip.MustParseAddr("192.0.2.2")
	begin     = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
)

const (
	ours   = 11 // our discriminator
	theirs = 22 // the neighbour's
	link   = 7
)

// config is what tests start from: 10ms and 3 packets.
func config(change ...func(*Config)) Config {
	c := Config{
		Timing:        Timing{DesiredMinTx: 10 * time.Millisecond, RequiredMinRx: 10 * time.Millisecond, DetectMult: 3},
		Discriminator: ours, Peer: thereAddr, Link: link, Rand: rand.New(rand.NewPCG(1, 2)),
	}
	for _, f := range change {
		f(&c)
	}
	return c
}

func passive(c *Config) { c.Passive = true }
func mult(m uint8) func(*Config) {
	return func(c *Config) { c.DetectMult = m }
}

func rates(tx, rx time.Duration) func(*Config) {
	return func(c *Config) { c.DesiredMinTx, c.RequiredMinRx = tx, rx }
}

func signed(kind AuthType, active uint8) func(*Config) {
	return func(c *Config) {
		c.Auth = &Auth{Type: kind, Keys: map[uint8][]byte{1: []byte("first secret"), 2: []byte("second")}, Active: active}
	}
}

// node is a session on the bench, with a clock moved by hand.
type node struct {
	*Session
	t   *testing.T
	now time.Time
}

// place puts a session on the bench, not enabled.
func place(t *testing.T, cfg Config) *node {
	t.Helper()
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return &node{Session: s, t: t, now: begin}
}

// down, up give a session in that state. The neighbour of up sends every 10ms,
// three of which may be missing, and its last packet came just now.
func down(t *testing.T, cfg Config) *node {
	t.Helper()
	n := place(t, cfg)
	n.Step(n.now, Enable(), nil)
	n.in(Down)
	return n
}

func up(t *testing.T, cfg Config) *node {
	t.Helper()
	n := down(t, cfg)
	n.hear(says(Init))
	n.in(Up)
	// Its answer to the poll that began, so that the bench is quiet.
	for n.tempo.polling {
		n.wait(n.Interval())
		n.hear(says(Up, final))
	}
	return n
}

// says is a packet of the neighbour.
func says(s State, change ...func(*Control)) Control {
	c := Control{
		State: s, DetectMult: 3, MyDiscriminator: theirs, YourDiscriminator: ours,
		DesiredMinTx: 10 * time.Millisecond, RequiredMinRx: 10 * time.Millisecond,
	}
	for _, f := range change {
		f(&c)
	}
	return c
}

func poll(c *Control)    { c.Poll = true }
func final(c *Control)   { c.Final = true }
func demand(c *Control)  { c.Demand = true }
func unnamed(c *Control) { c.YourDiscriminator = 0 }
func hears(d time.Duration) func(*Control) {
	return func(c *Control) { c.RequiredMinRx = d }
}

func sends(d time.Duration) func(*Control) {
	return func(c *Control) { c.DesiredMinTx = d }
}

func forgives(m uint8) func(*Control) { return func(c *Control) { c.DetectMult = m } }

func packet(c Control) *Packet {
	return &Packet{Src: thereAddr, Link: link, TTL: 255, Payload: c.Append(nil)}
}

// hear delivers a packet of the neighbour.
func (n *node) hear(c Control) []Action { return n.Step(n.now, Received(packet(c)), nil) }

// wait lets time pass, with a tick at each deadline.
func (n *node) wait(d time.Duration) []Action {
	n.t.Helper()
	end := n.now.Add(d)
	var got []Action
	for ticks := 0; ; ticks++ {
		at := n.Deadline()
		if at.IsZero() || at.After(end) {
			break
		}
		if ticks > 100_000 {
			n.t.Fatalf("does not come to rest in state %s", n.State())
		}
		if at.After(n.now) {
			n.now = at
		}
		got = n.Step(n.now, Tick(), got)
	}
	n.now = end
	return got
}

func (n *node) in(want State) {
	n.t.Helper()
	if n.State() != want {
		n.t.Errorf("after %s: state %s, want %s", n.now.Sub(begin), n.State(), want)
	}
}

// story is what actions say.
func story(acts []Action) []string {
	out := []string{}
	for _, a := range acts {
		out = append(out, a.String())
	}
	return out
}

func (n *node) told(got []Action, want ...string) {
	n.t.Helper()
	if want == nil {
		want = []string{}
	}
	if diff := cmp.Diff(want, story(got)); diff != "" {
		n.t.Errorf("after %s (-want +got):\n%s", n.now.Sub(begin), diff)
	}
}

// sent are the packets among actions.
func sent(acts []Action) []Control {
	var out []Control
	for _, a := range acts {
		if a.Kind == ActionSend {
			out = append(out, a.Control)
		}
	}
	return out
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}
