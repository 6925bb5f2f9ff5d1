package bpf

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/balance/packets"
)

// BenchmarkCore is what one processor of the balancer forwards of 60-byte frames
// of established flows, and nothing else of what is busy: they are made, and end,
// on another one. The cable that they come by is polled by a thread of the
// kernel's (napi/in-…), which stands for a driver's poll of one queue of a card.
// For tc it makes a packet of each frame first, as a driver does.
//
// Figures are frames for a second of that thread's own time, so who else is at
// work matters less; that it always had something to do is checked. A round is
// tc and XDP one after the other; all that is told are medians of rounds.
func BenchmarkCore(b *testing.B) {
	for _, flows := range []int{64, 65536} {
		b.Run(fmt.Sprint("flows=", flows), func(b *testing.B) { forwardByCore(b, flows) })
	}
}

func forwardByCore(b *testing.B, flows int) {
	if runtime.NumCPU() < 2 {
		b.Skip("the balancer has to have a processor for itself")
	}
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
	backend := netip.MustParseAddrPort("192.0.2.200:9")
	l.ip(nil, "route add %s/32 dev onward", backend.Addr())
	l.ip(nil, "neigh replace %s lladdr 02:00:00:00:01:11 dev onward", backend.Addr())
	in, out, sink := l.link("in"), l.link("out"), l.link("sink")
	l.alone(sink, 1)
	l.alone(out, 2)
	l.offload(nil, "in", setGRO, 1) // its poll stays when its program changes
	c.Interfaces = []string{"in", "onward"}
	c.Hooks, c.Hook = nil, XDP
	c.Flows = 1 << 18
	p := l.open(c)
	plans := []*balance.Plan{f.plan(1, func(p *balance.Plan) {
		p.Service.Listen[0].Proto = balance.UDP
		p.Targets[0].Addr = backend
	})}
	must(b, p.Apply(plans))
	established := make([]balance.Change, flows)
	for i := range established {
		client := netip.AddrPortFrom(f.client, uint16(i))
		established[i].Flow = balance.Flow{
			Listen: plans[0].Service.Listen[0], Client: client, Backend: backend, Source: client, Ends: answered,
		}
	}
	refused, err := p.Install(established)
	if err != nil || refused > 1 { // of port 0
		b.Fatalf("%d flows refused: %v", refused, err)
	}
	core := l.threaded("in", 1)
	l.threaded("sink", 0)
	made := packets.Packet{
		From: [6]byte(out.Attrs().HardwareAddr), To: [6]byte(in.Attrs().HardwareAddr),
		Src: netip.AddrPortFrom(f.client, 1), Dst: netip.AddrPortFrom(f.vip, 80), Proto: packets.UDP, NoSum: true, Payload: make([]byte, 18),
	}.Frame()
	source := l.generator(made, flows)
	runtime.LockOSThread() // for good: it ends with the benchmark
	must(b, only(0, 0))
	for _, thread := range []int{0, int(core)} { // who makes them has to be ahead of who forwards them
		must(b, unix.Setpriority(unix.PRIO_PROCESS, thread, -20))
	}

	round := func() float64 {
		count := func() uint64 {
			u, err := p.Usage("web")
			must(b, err)
			return u[1].PacketsIn
		}
		before, ran, waited, began := count(), core.ran(b), core.waited(b), time.Now()
		for range 16 {
			_, err := source.Run(&ebpf.RunOptions{
				Data: made, Context: xdpMD{End: uint32(len(made)), Ifindex: uint32(out.Attrs().Index)}, Repeat: 1 << 16, Flags: 2,
			})
			must(b, err)
		}
		busy := core.ran(b) - ran
		if idle := time.Since(began) - busy - (core.waited(b) - waited); idle > time.Since(began)/5 {
			b.Logf("the balancer had nothing to do for %v of %v", idle, time.Since(began))
		}
		return float64(count()-before) / busy.Seconds()
	}
	figures := map[Hook][]float64{}
	var ratios []float64
	b.ResetTimer()
	for range b.N {
		for _, hook := range []Hook{TC, XDP} {
			p.config.Hook = hook
			must(b, p.Apply(plans))
			inUse(b, p, hook)
			remove := func() {}
			if hook == TC {
				remove = l.alone(in, 2)
			}
			figures[hook] = append(figures[hook], round())
			remove()
		}
		last := len(figures[TC]) - 1
		ratios = append(ratios, figures[XDP][last]/figures[TC][last])
	}
	b.StopTimer()
	b.ReportMetric(median(figures[TC]), "tc/s")
	b.ReportMetric(median(figures[XDP]), "xdp/s")
	b.ReportMetric(median(ratios), "xdp/tc")
	b.ReportMetric(slices.Min(ratios), "least")
}

func median(of []float64) float64 {
	s := slices.Sorted(slices.Values(of))
	return s[len(s)/2]
}

func (l *lab) link(name string) netlink.Link {
	l.Helper()
	found, err := netlink.LinkByName(name)
	must(l, err)
	return found
}

// only has a thread run on one processor; 0 is the caller's.
func only(thread, cpu int) error {
	set := unix.CPUSet{}
	set.Set(cpu)
	return unix.SchedSetaffinity(thread, &set)
}

// alone puts a program on an interface that has one verdict for all.
func (l *lab) alone(on netlink.Link, verdict int32) (remove func()) {
	l.Helper()
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: ebpf.XDP, License: "MIT", Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, verdict), asm.Return()},
	})
	must(l, err)
	l.Cleanup(func() { p.Close() })
	there, err := link.AttachXDP(link.XDPOptions{Program: p, Interface: on.Attrs().Index, Flags: link.XDPDriverMode})
	must(l, err)
	remove = sync.OnceFunc(func() { there.Close() })
	l.Cleanup(remove)
	return remove
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
