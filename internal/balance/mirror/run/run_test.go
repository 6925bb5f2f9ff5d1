package run

import (
	"context"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/balance/mirror"
)

var (
	vip = netip.MustParseAddr("192.0.2.10")
	web = balance.Endpoint{AddrPort: netip.AddrPortFrom(vip, 80), Proto: balance.TCP}
	at  = netip.MustParseAddrPort("10.0.0.11:80")
)

// plane keeps flows in memory.
type plane struct {
	mu      sync.Mutex
	flows   map[netip.AddrPort]balance.Flow
	news    func([]balance.Change, bool)
	settled map[balance.Endpoint]bool
	ports   [2]uint16
}

func (p *plane) Watch(news func([]balance.Change, bool)) (func(), error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.news = news
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.news = nil
	}, nil
}

func (p *plane) Walk(some func([]balance.Flow) bool) error {
	p.mu.Lock()
	all := slices.Collect(maps.Values(p.flows))
	p.mu.Unlock()
	for batch := range slices.Chunk(all, 4096) {
		if !some(batch) {
			return nil
		}
	}
	return nil
}

func (p *plane) Ports(own [2]uint16) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ports = own
	return nil
}

func (p *plane) Settle(l balance.Endpoint, settled bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.settled == nil {
		p.settled = map[balance.Endpoint]bool{}
	}
	p.settled[l] = settled
}

func (p *plane) Install(changes []balance.Change) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range changes {
		if c.Gone {
			delete(p.flows, c.Client)
		} else {
			p.flows[c.Client] = c.Flow
		}
	}
	return 0, nil
}

func (p *plane) begin(clients ...netip.AddrPort) {
	var changes []balance.Change
	p.mu.Lock()
	for _, c := range clients {
		f := balance.Flow{Listen: web, Client: c, Backend: at, Source: c}
		p.flows[c] = f
		changes = append(changes, balance.Change{Flow: f})
	}
	news := p.news
	p.mu.Unlock()
	if news != nil {
		news(changes, false)
	}
}

func (p *plane) has() []netip.AddrPort {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.SortedFunc(maps.Keys(p.flows), netip.AddrPort.Compare)
}

func (p *plane) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.flows)
}

// node is a runner, what it says, and a plane.
type node struct {
	*Runner
	plane plane
	port  uint16

	mu      sync.Mutex
	records []string
	synced  bool
	follows string
	cfg     Config
}

// start runs a node at a port of its own.
func start(t testing.TB, name string, secrets [][]byte) *node {
	t.Helper()
	n := &node{plane: plane{flows: map[netip.AddrPort]balance.Flow{}}}
	said := func(f func()) {
		n.mu.Lock()
		defer n.mu.Unlock()
		f()
	}
	n.Runner = New(Options{
		Node:   name,
		Record: func(_, code, reason string) { said(func() { n.records = append(n.records, code+" "+reason) }) },
		Synced: func(_ string, in bool) { said(func() { n.synced = in }) },
		Follow: func(_ string, v balance.View) { said(func() { n.follows = v.Backends[0].Why }) },
		Lead:   func(string) { said(func() { n.follows = "" }) },
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n.port = netip.MustParseAddrPort(l.Addr().String()).Port()
	_ = l.Close() // it is to be free
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); n.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	key := mirror.Print{}
	if len(secrets) > 0 {
		key = mirror.PrintOf(secrets[0])
	}
	n.cfg = Config{
		Port: n.port, Keys: map[mirror.Print][][]byte{key: secrets},
		Services: []mirror.Service{{Name: "web", Group: "g", Key: key, Listen: []balance.Endpoint{web}, Flows: true}},
	}
	n.Plane(&n.plane)
	return n
}

// meet makes nodes peers.
func meet(nodes ...*node) {
	for _, n := range nodes {
		for _, o := range nodes {
			n.cfg.Peers = append(n.cfg.Peers, mirror.Peer{Addr: netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), o.port), Key: n.cfg.Services[0].Key})
		}
		n.Configure(n.cfg)
	}
}

func (n *node) is(f func() bool) func() bool {
	return func() bool {
		n.mu.Lock()
		defer n.mu.Unlock()
		return f()
	}
}

func await(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 30 s: %s", what)
		}
	}
}

func client(i int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{203, byte(i >> 24), byte(i >> 16), byte(i >> 8)}), uint16(1024+i&255))
}

func TestRunner_NodesHaveTheSameFlows(t *testing.T) {
	for name, secrets := range map[string][2][][]byte{
		"signed":             {{[]byte("secret")}, {[]byte("secret")}},
		"keys are exchanged": {{[]byte("new"), []byte("old")}, {[]byte("old"), []byte("new")}},
		"unsigned":           {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := start(t, "lb1", secrets[0]), start(t, "lb2", secrets[1])
			for i := range 20000 {
				a.plane.begin(client(i))
			}
			b.plane.begin(client(99999)) // what the holder does not have
			a.Viewed("web", balance.View{Backends: []balance.Standing{{Why: "lb1 says so"}}}, nil)
			a.Holds(vip, true)
			meet(a, b)
			await(t, "lb2 is in sync", b.is(func() bool { return b.synced }))
			if got, want := b.plane.has(), a.plane.has(); !slices.Equal(got, want) {
				t.Errorf("%d flows and not %d", len(got), len(want))
			}
			a.plane.begin(client(50000))
			await(t, "news arrive", func() bool { return b.plane.count() == 20001 })
			await(t, "the holder's view is followed", b.is(func() bool { return b.follows == "lb1 says so" }))
			r, err := a.Report(t.Context())
			if err != nil || len(r.Peers) != 1 || r.Peers[0].Node != "lb2" || r.Peers[0].Complete.IsZero() || r.Peers[0].Signed != (len(secrets[0]) > 0) {
				t.Errorf("%+v, %v", r, err)
			}
			// The holder's plane is lost, and there is another one.
			a.Plane(nil)
			await(t, "lb2 knows that it may lack flows", b.is(func() bool { return !b.synced }))
			a.plane.mu.Lock()
			clear(a.plane.flows)
			a.plane.mu.Unlock()
			a.plane.begin(client(7))
			a.Plane(&a.plane)
			await(t, "lb2 is in sync again", b.is(func() bool { return b.synced }))
			if got := b.plane.has(); !slices.Equal(got, []netip.AddrPort{client(7)}) {
				t.Errorf("%d flows are left", len(got))
			}
		})
	}
}

func TestRunner_APortThatIsTakenIsNamed(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }() // nothing was written
	n := start(t, "lb1", nil)
	n.cfg.Port = netip.MustParseAddrPort(l.Addr().String()).Port()
	n.Configure(n.cfg)
	await(t, "it says what to do", n.is(func() bool {
		return slices.ContainsFunc(n.records, func(r string) bool { return strings.HasPrefix(r, CodeListen) && strings.Contains(r, "flows.port") })
	}))
}

func TestRunner_WhoDoesNotBelongIsNotHeard(t *testing.T) {
	a := start(t, "lb1", [][]byte{[]byte("secret")})
	guesser := start(t, "guess", [][]byte{[]byte("guess")})
	none := start(t, "none", nil)
	meet(a, guesser, none)
	for _, n := range []*node{guesser, none} {
		n.Holds(vip, true)
		n.plane.begin(client(1))
		await(t, "it is told so", n.is(func() bool {
			return slices.ContainsFunc(n.records, func(r string) bool {
				return strings.HasPrefix(r, mirror.CodePeer) && strings.Contains(r, "need the same key")
			})
		}))
	}
	if n := a.plane.count(); n != 0 {
		t.Errorf("%d flows of strangers", n)
	}
	// Without a key, who is no peer is not heard either.
	open := start(t, "open", nil)
	open.cfg.Peers = []mirror.Peer{{Addr: netip.MustParseAddrPort("192.0.2.77:1")}}
	open.Configure(open.cfg)
	none.cfg.Peers = []mirror.Peer{{Addr: netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), open.port)}}
	none.mu.Lock()
	none.records = nil
	none.mu.Unlock()
	none.Configure(none.cfg)
	await(t, "a stranger is told so", none.is(func() bool { return len(none.records) > 0 }))
	if n := open.plane.count(); n != 0 {
		t.Errorf("%d flows of a stranger", n)
	}
}

// A plane is told that nobody tells of more flows, also one that comes later, and
// that this is not so any more.
func TestRunner_SettlesPlanes(t *testing.T) {
	n := start(t, "lb1", nil)
	n.Configure(n.cfg)
	settled := func(p *plane) func() bool {
		return func() bool {
			p.mu.Lock()
			defer p.mu.Unlock()
			return p.settled[web]
		}
	}
	n.Holds(vip, true)
	await(t, "it settles", settled(&n.plane))
	n.Plane(nil)
	await(t, "the plane is gone", func() bool { return !settled(&n.plane)() })
	next := &plane{flows: map[netip.AddrPort]balance.Flow{}}
	n.Plane(next)
	await(t, "another one settles", settled(next))
	n.Holds(vip, false)
	await(t, "it does not hold any more", func() bool { return !settled(next)() })
}
