package bpf

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"github.com/vishvananda/netlink"

	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/balance/packets"
)

// BenchmarkSmallPackets forwards 60-byte frames of UDP from a client's cable to a
// backend's, as many as there is time for: the kernel itself makes them, in frames
// of XDP (Linux 5.18), on the same processors. The figure is what the balancer
// has sent on.
func BenchmarkSmallPackets(b *testing.B) {
	for _, flows := range []int{64, 65536} {
		for _, hook := range []Hook{TC, XDP} {
			b.Run(fmt.Sprint(hook, "/flows=", flows), func(b *testing.B) { forwardSmall(b, hook, flows) })
		}
	}
}

func forwardSmall(b *testing.B, hook Hook, flows int) {
	f := families[0]
	l := newLab(b, 1)
	c := l.native()
	// Cables without the switch, which would cost more than the balancer.
	l.ip(nil, "link add in type veth peer name out address 02:00:00:00:01:07")
	l.ip(nil, "link add onward type veth peer name sink address 02:00:00:00:01:11")
	b.Cleanup(func() { l.ip(nil, "link del in"); l.ip(nil, "link del onward") })
	for _, name := range []string{"in", "out", "onward", "sink"} {
		l.ip(nil, "link set %s up", name)
	}
	l.ip(nil, "route add 192.0.2.200/32 dev onward")
	l.ip(nil, "neigh replace 192.0.2.200 lladdr 02:00:00:00:01:11 dev onward")
	in, err := netlink.LinkByName("in")
	must(b, err)
	out, err := netlink.LinkByName("out")
	must(b, err)
	sink, err := netlink.LinkByName("sink")
	must(b, err)
	l.alone(sink, 1)
	l.alone(out, 2)
	if hook == TC {
		l.alone(in, 2) // polls, as a driver does
	}
	c.Interfaces = []string{"in", "onward"}
	c.Hooks, c.Hook = nil, hook
	c.Flows, c.HalfOpen = 1<<18, 1<<18
	p := l.open(c)
	must(b, p.Apply([]*balance.Plan{f.plan(1, func(p *balance.Plan) {
		p.Service.Listen[0].Proto = balance.UDP
		p.Targets[0].Addr = netip.MustParseAddrPort("192.0.2.200:9")
	})}))
	inUse(b, p, hook)
	made := packets.Packet{
		From: [6]byte(out.Attrs().HardwareAddr), To: [6]byte(in.Attrs().HardwareAddr),
		Src: netip.AddrPortFrom(f.client, 1), Dst: netip.AddrPortFrom(f.vip, 80), Proto: packets.UDP, NoSum: true, Payload: make([]byte, 18),
	}.Frame()
	source := l.generator(made, flows)
	send := func(n int) {
		_, err := source.Run(&ebpf.RunOptions{Data: made, Context: xdpMD{End: uint32(len(made)), Ifindex: uint32(out.Attrs().Index)}, Repeat: uint32(n), Flags: 2})
		must(b, err)
	}
	count := func() uint64 {
		u, err := p.Usage("web")
		must(b, err)
		return u[1].PacketsIn
	}
	send(16 * flows) // so that nearly all flows are there
	before, began := count(), time.Now()
	b.ResetTimer()
	for range b.N {
		send(1 << 16)
	}
	b.StopTimer()
	b.ReportMetric(float64(count()-before)/time.Since(began).Seconds(), "packets/s")
}

// alone puts a program on an interface that has one verdict for all.
func (l *lab) alone(on netlink.Link, verdict int32) {
	l.Helper()
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: ebpf.XDP, License: "MIT", Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, verdict), asm.Return()},
	})
	must(l, err)
	l.Cleanup(func() { p.Close() })
	there, err := link.AttachXDP(link.XDPOptions{Program: p, Interface: on.Attrs().Index, Flags: link.XDPDriverMode})
	must(l, err)
	l.Cleanup(func() { there.Close() })
}

// generator is a program that makes every frame anew, from one of so many ports
// (a power of two), and sends it. Frames come back to it as the balancer has
// left them.
func (l *lab) generator(frame []byte, flows int) *ebpf.Program {
	l.Helper()
	ins := asm.Instructions{
		asm.LoadMem(asm.R7, asm.R1, 0, asm.Word),
		asm.LoadMem(asm.R3, asm.R1, 4, asm.Word),
		asm.Mov.Reg(asm.R4, asm.R7),
		asm.Add.Imm(asm.R4, int32(len(frame))),
		asm.Mov.Imm(asm.R0, 1),
		asm.JGT.Reg(asm.R4, asm.R3, "end"),
	}
	for at := 0; at+4 <= len(frame); at += 4 {
		ins = append(ins, asm.StoreImm(asm.R7, int16(at), int64(int32(binary.NativeEndian.Uint32(frame[at:]))), asm.Word))
	}
	ins = append(ins,
		asm.FnGetPrandomU32.Call(),
		asm.And.Imm(asm.R0, int32(flows-1)),
		asm.StoreMem(asm.R7, 34, asm.R0, asm.Half),
		asm.Mov.Imm(asm.R0, 3),
		asm.Return().WithSymbol("end"),
	)
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.XDP, License: "GPL", Instructions: ins})
	must(l, err)
	l.Cleanup(func() { p.Close() })
	return p
}
