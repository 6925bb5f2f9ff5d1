package run

import (
	"net/netip"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/balance"
)

// Flows of a million clients, and news beside them, with planes that cost
// nothing: the protocol's own part. It says how long a new node waits for all of
// them, and how late news are, of 99 in a hundred.
func BenchmarkRunner(b *testing.B) {
	const many, rate = 1_000_000, 10_000
	secrets := [][]byte{[]byte("secret")}
	for b.Loop() {
		b.StopTimer()
		holder, other, joins := start(b, "lb1", secrets), start(b, "lb2", secrets), start(b, "lb3", secrets)
		holder.Holds(vip, true)
		meet(holder, other)
		// A node that has just begun to hold does not tell all yet.
		await(b, "lb2 is in sync", other.is(func() bool { return other.synced }))
		holder.plane.mu.Lock()
		for i := range many {
			holder.plane.flows[client(i)] = balance.Flow{Listen: web, Client: client(i), Backend: at, Source: netip.AddrPortFrom(vip, uint16(i))}
		}
		holder.plane.mu.Unlock()
		b.StartTimer()
		meet(holder, joins)
		await(b, "lb3 is in sync", joins.is(func() bool { return joins.synced }))
		b.StopTimer()
		pace := time.NewTicker(10 * time.Second / rate)
		for i := range 3 * rate / 10 {
			clients := make([]netip.AddrPort, 10)
			for j := range clients {
				clients[j] = client(many + 10*i + j)
			}
			holder.plane.begin(clients...)
			<-pace.C
		}
		pace.Stop()
		await(b, "news arrive", func() bool { return joins.plane.count() == many+3*rate })
		r, err := holder.Report(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		for _, p := range r.Peers {
			if p.Node == "lb3" {
				b.ReportMetric(float64(p.Lag.Microseconds()), "µs-late-p99")
			}
		}
		b.StartTimer()
	}
}
