package bpf

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/balance/packets"
)

// BenchmarkPacket gives what a packet costs in the kernel beyond an empty
// program, by the clock of BPF_PROG_TEST_RUN. A packet is given once a run: of a second run it would be
// the rewritten one.
func BenchmarkPacket(b *testing.B) {
	f := families[0]
	for _, way := range []struct {
		name    string
		forward balance.Forward
		port    uint16
	}{{"passes", balance.NAT, 79}, {"nat", balance.NAT, 80}, {"full-nat", balance.FullNAT, 80}, {"dsr", balance.DSR, 80}} {
		for _, flows := range []int{64, 4096} {
			b.Run(fmt.Sprint(way.name, "/flows=", flows), func(b *testing.B) {
				bench := newBench(b)
				must(b, bench.plane.Apply([]*balance.Plan{f.plan(3, func(p *balance.Plan) {
					p.Service.Forward, p.Select = way.forward, balance.ByFlow
				})}))
				empty := empty(b)
				measure := func(p *ebpf.Program, frame []byte) time.Duration {
					_, d, err := p.Benchmark(frame, 1, nil)
					must(b, err)
					return d
				}
				frames := make([][]byte, flows)
				for i := range frames {
					p := packets.Packet{ // to the MAC of lo, where these runs arrive
						From: clientMAC, Src: netip.AddrPortFrom(f.client, uint16(1024+i)), Dst: netip.AddrPortFrom(f.vip, way.port),
						Proto: packets.TCP, Flags: packets.SYN,
					}
					measure(bench.plane.objs.HoldfastLb1, p.Frame())
					p.Flags = packets.ACK
					frames[i] = p.Frame()
					measure(bench.plane.objs.HoldfastLb1, frames[i])
				}
				var spent time.Duration
				b.ResetTimer()
				for i := range b.N {
					frame := frames[i%flows]
					spent += measure(bench.plane.objs.HoldfastLb1, frame) - measure(empty, frame)
				}
				b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N), "kernel-ns/op")
			})
		}
	}
}

// empty is a program that passes everything.
func empty(t testing.TB) *ebpf.Program {
	t.Helper()
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: ebpf.SchedCLS, License: "MIT",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, -1), asm.Return()},
	})
	must(t, err)
	t.Cleanup(func() { p.Close() })
	return p
}
