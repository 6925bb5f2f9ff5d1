package bpf

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/balance/packets"
)

// many are flows of the service of family.plan, one for each of n clients.
func many(f family, n int) []balance.Change {
	all := make([]balance.Change, n)
	for i := range all {
		client := netip.AddrPortFrom(netip.AddrFrom4([4]byte{100, byte(64 + i>>22), byte(i >> 14), byte(i >> 6)}), uint16(1024+i&63))
		all[i].Flow = balance.Flow{
			Listen: balance.Endpoint{AddrPort: at(f.vip, 80), Proto: balance.TCP}, Client: client,
			Backend: at(f.backends[i%3], 8080), Source: client, Ends: answered,
		}
	}
	return all
}

// BenchmarkFlowsTakenOver gives what a million flows cost who takes them over,
// and who tells all of them.
func BenchmarkFlowsTakenOver(b *testing.B) {
	const n = 1 << 20
	f := families[0]
	l := newLab(b, 3)
	p := l.open(Config{Flows: n + n/8})
	must(b, p.Apply([]*balance.Plan{f.plan(3, nil)}))
	all := many(f, n)
	b.ResetTimer()
	var first, again, walk time.Duration
	for range b.N {
		for _, spent := range []*time.Duration{&first, &again} {
			begun := time.Now()
			for i := 0; i < n; i += 4096 {
				refused, err := p.Install(all[i : i+4096])
				if refused > 0 {
					b.Fatalf("%d refused: %v", refused, err)
				}
			}
			*spent += time.Since(begun)
		}
		begun, found := time.Now(), 0
		must(b, p.Walk(func(flows []balance.Flow) bool {
			found += len(flows)
			return true
		}))
		walk += time.Since(begun)
		if found != n {
			b.Fatalf("walked over %d", found)
		}
		gone := make([]balance.Change, n)
		for i := range all {
			gone[i] = balance.Change{Flow: all[i].Flow, Gone: true}
		}
		if refused, err := p.Install(gone); refused > 0 {
			b.Fatalf("%d refused: %v", refused, err)
		}
	}
	per := func(d time.Duration) float64 { return float64(d.Milliseconds()) / float64(b.N) }
	b.ReportMetric(per(first), "install-ms")
	b.ReportMetric(per(again), "again-ms")
	b.ReportMetric(per(walk), "walk-ms")
}

// BenchmarkNews gives what telling costs a new flow: its SYN and its first ACK,
// in the kernel, while somebody reads the news and while nobody does.
func BenchmarkNews(b *testing.B) {
	f := families[0]
	for _, watched := range []bool{false, true} {
		b.Run(fmt.Sprint("watched=", watched), func(b *testing.B) {
			l := newLab(b, 3)
			p := l.open(Config{Flows: 1 << 20, HalfOpen: 1 << 15})
			must(b, p.Apply([]*balance.Plan{f.plan(3, nil)}))
			told := 0
			if watched {
				stop, err := p.Watch(func(changes []balance.Change, _ bool) { told += len(changes) })
				must(b, err)
				b.Cleanup(stop)
			}
			var spent time.Duration
			b.ResetTimer()
			for i := range b.N {
				from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, byte(i >> 22), byte(i >> 14)}), uint16(1024+i&0x3fff))
				for _, flags := range []uint8{packets.SYN, packets.ACK} {
					frame := packets.Packet{From: clientMAC, Src: from, Dst: at(f.vip, 80), Proto: packets.TCP, Flags: flags}.Frame()
					_, d, err := p.objs.HoldfastLb1.Benchmark(frame, 1, nil)
					must(b, err)
					spent += d
				}
			}
			b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N), "kernel-ns/flow")
		})
	}
}
