package gate

import "testing"

// BenchmarkProgram tells the nanoseconds of one program run, without the
// interface around it: `go test -bench Program ./internal/linux/gate`.
func BenchmarkProgram(b *testing.B) {
	payload := make([]byte, 22)
	frames := []struct {
		name string
		dir  direction
		data []byte
	}{
		{"in, no match", in, ether(nodeMAC, clientMAC, 0x0800, ip4(client4, other4, 17, nil, payload))},
		{"in, match", in, ether(nodeMAC, clientMAC, 0x0800, ip4(client4, vip4, 17, nil, payload))},
		{"in, match with virtual MAC", in, ether(virtual4, clientMAC, 0x0800, ip4(client4, vip4, 17, nil, payload))},
		{"in, no match IPv6", in, ether(nodeMAC, clientMAC, 0x86dd, ip6(client6, other6, 17, 64, payload))},
		{"in, match IPv6", in, ether(nodeMAC, clientMAC, 0x86dd, ip6(client6, vip6, 17, 64, payload))},
		{"out, no match", out, ether(clientMAC, nodeMAC, 0x0800, ip4(other4, client4, 17, nil, payload))},
		{"out, match", out, ether(clientMAC, nodeMAC, 0x0800, ip4(vip4, client4, 17, nil, payload))},
		{"out, match with virtual MAC", out, ether(clientMAC, virtual4, 0x0800, ip4(vip4, client4, 17, nil, payload))},
		{"out, no match IPv6", out, ether(clientMAC, nodeMAC, 0x86dd, ip6(other6, client6, 17, 64, payload))},
		{"out, match IPv6", out, ether(clientMAC, nodeMAC, 0x86dd, ip6(vip6, client6, 17, 64, payload))},
	}
	table := newBench(b, true)
	table.hold(wideOpen)
	for _, f := range frames {
		b.Run(f.name, func(b *testing.B) {
			p, _ := table.kernel.program(link{ether: true}, f.dir)
			verdict, _, err := p.Benchmark(f.data, b.N, b.ResetTimer)
			must(b, err)
			if int32(verdict) != -1 {
				b.Fatalf("verdict %d, want it to pass", int32(verdict))
			}
		})
	}
}

// BenchmarkSet is what the engine pays for extending a hold.
func BenchmarkSet(b *testing.B) {
	table := newBench(b, false)
	for b.Loop() {
		table.gate.Set(table.slot4, wideOpen)
	}
}
