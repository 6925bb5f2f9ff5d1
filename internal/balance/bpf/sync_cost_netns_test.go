package bpf

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/balance/mirror"
	"github.com/holdfast-net/holdfast/internal/balance/mirror/run"
	"github.com/holdfast-net/holdfast/internal/balance/packets"
)

// teller is a node with a plane: what tells other nodes of its flows, or hears
// theirs.
type teller struct {
	*run.Runner
	cfg    run.Config
	synced chan bool
}

// tells runs a node at a port of its own.
func tells(b *testing.B, name string, f family, p balance.Mirror) *teller {
	b.Helper()
	secret := []byte("a secret of both")
	key := mirror.PrintOf(secret)
	n := &teller{synced: make(chan bool, 16)}
	n.Runner = run.New(run.Options{
		Node:   name,
		Record: func(_, code, reason string) { b.Logf("%s: %s %s", name, code, reason) },
		Synced: func(_ string, in bool) { n.synced <- in },
		Follow: func(string, balance.View) {},
		Lead:   func(string) {},
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(b, err)
	n.cfg = run.Config{
		Port: netip.MustParseAddrPort(l.Addr().String()).Port(), Keys: map[mirror.Print][][]byte{key: {secret}},
		Services: []mirror.Service{{
			Name: "web", Group: "g", Key: key, Flows: true,
			Listen: []balance.Endpoint{{AddrPort: at(f.vip, 80), Proto: balance.TCP}},
		}},
	}
	must(b, l.Close()) // it is to be free
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan struct{})
	go func() { defer close(done); n.Run(ctx) }()
	b.Cleanup(func() { cancel(); <-done })
	n.Plane(p)
	return n
}

// meets makes two nodes peers.
func (n *teller) meets(o *teller) {
	// Who is called listens first: else the caller tries again later.
	for _, x := range [][2]*teller{{o, n}, {n, o}} {
		x[0].cfg.Peers = []mirror.Peer{{Addr: netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), x[1].cfg.Port), Key: x[0].cfg.Services[0].Key}}
		x[0].Configure(x[0].cfg)
	}
}

// await waits until it is in sync.
func (n *teller) await(b *testing.B) {
	b.Helper()
	for end := time.After(time.Minute); ; {
		select {
		case in := <-n.synced:
			if in {
				return
			}
		case <-end:
			b.Fatal("not in sync within a minute")
		}
	}
}

// arrivals is a plane that notes when flows can be used in it.
type arrivals struct {
	*Plane
	mu sync.Mutex
	at map[netip.AddrPort]time.Time
}

func (a *arrivals) Install(changes []balance.Change) (int, error) {
	refused, err := a.Plane.Install(changes)
	now := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.at == nil {
		return refused, err
	}
	for i := range changes {
		if _, known := a.at[changes[i].Client]; !known && changes[i].Ends&halfOpen == 0 {
			a.at[changes[i].Client] = now
		}
	}
	return refused, err
}

// BenchmarkSync gives how long a new node waits for a million flows, with both
// nodes' planes in the kernel, and how late it has new ones, of 10,000 in a
// second: from the packet that establishes one until a packet of it would find it
// at the other node.
func BenchmarkSync(b *testing.B) {
	const n, rate = 1 << 20, 10_000
	f := families[0]
	l := newLab(b, 3)
	p := l.open(Config{Flows: n + n/8, HalfOpen: 1 << 16})
	must(b, p.Apply([]*balance.Plan{f.plan(3, nil)}))
	for all := range slices.Chunk(many(f, n), 4096) {
		if refused, err := p.Install(all); refused > 0 {
			b.Fatalf("%d refused: %v", refused, err)
		}
	}
	holder := tells(b, "lb1", f, p)
	holder.Holds(f.vip, true)
	holder.Configure(holder.cfg)
	holder.await(b)
	time.Sleep(4 * time.Second) // a node that has just begun to hold does not tell all yet
	for i := range b.N {
		b.Run(fmt.Sprint(i), func(b *testing.B) {
			other := &arrivals{Plane: l.beside(Config{Flows: n + n/8, HalfOpen: 1 << 16})}
			must(b, other.Apply([]*balance.Plan{f.plan(3, nil)}))
			joins := tells(b, "lb2", f, other)
			begun := time.Now()
			holder.meets(joins)
			joins.await(b)
			b.ReportMetric(float64(time.Since(begun).Milliseconds()), "sync-ms")
			late := newcomers(b, f, p, other, rate)
			b.ReportMetric(float64(late[len(late)/2].Microseconds()), "late-p50-µs")
			b.ReportMetric(float64(late[len(late)*99/100].Microseconds()), "late-p99-µs")
			b.ReportMetric(float64(late[len(late)-1].Microseconds()), "late-max-µs")
		})
	}
}

// newcomers has flows begin at one node for some seconds, and gives how late the
// other one has them, in order.
func newcomers(b *testing.B, f family, p *Plane, other *arrivals, rate int) (late []time.Duration) {
	b.Helper()
	other.mu.Lock()
	other.at = map[netip.AddrPort]time.Time{}
	other.mu.Unlock()
	count := 3 * rate
	began := make(map[netip.AddrPort]time.Time, count)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for i := range count {
		if i%(rate/1000) == 0 {
			<-tick.C
		}
		from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, 101, byte(i >> 14)}), uint16(1024+i&0x3fff))
		for _, flags := range []uint8{packets.SYN, packets.ACK} {
			frame := packets.Packet{From: clientMAC, Src: from, Dst: at(f.vip, 80), Proto: packets.TCP, Flags: flags}.Frame()
			_, _, err := p.objs.HoldfastLb1.Benchmark(frame, 1, nil)
			must(b, err)
		}
		began[from] = time.Now()
	}
	waitFor(b, "the last flow", func() bool {
		other.mu.Lock()
		defer other.mu.Unlock()
		return len(other.at) >= count
	})
	other.mu.Lock()
	defer other.mu.Unlock()
	for from, t := range began {
		late = append(late, other.at[from].Sub(t))
	}
	slices.Sort(late)
	return late
}
