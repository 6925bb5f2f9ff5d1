package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"

	"github.com/holdfast-net/holdfast/bench/measure"
	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/balance/bpf"
)

// What a packet costs in the kernel, by the clock of BPF_PROG_TEST_RUN. It runs
// a program over and over on one buffer, and ours rewrites what is in it: so a
// program of the benchmark stands before it, which writes a fresh packet of a
// flow at random and calls it as the last thing. The same with a program that
// does nothing is what is taken off. Everything is warm but the flow: among a
// million that is the point.

// case of a packet: how it is forwarded, and where it is for.
type packetCase struct {
	name    string
	forward balance.Forward
	to      netip.AddrPort
	verdict uint32
}

const (
	passes    = 0xffffffff // TC_ACT_UNSPEC
	redirects = 7          // TC_ACT_REDIRECT
)

var packetCases = []packetCase{
	{"of the host's own", balance.NAT, netip.AddrPortFrom(innerIP, 22), passes},
	{"of the host's own, to the service's address", balance.NAT, netip.AddrPortFrom(balancerIP, 22), passes},
	{"nat", balance.NAT, netip.AddrPortFrom(balancerIP, port), redirects},
	{"full-nat", balance.FullNAT, netip.AddrPortFrom(balancerIP, port), redirects},
	{"dsr", balance.DSR, netip.AddrPortFrom(balancerIP, port), redirects},
}

var flowCounts = []int{64, 1 << 16, 1 << 20}

// packetCost is one figure.
type packetCost struct {
	Packet string  `json:"packet"`
	Flows  int     `json:"flows"`
	Empty  float64 `json:"empty_ns"` // the same without a balancer
	NS     float64 `json:"ns"`       // more than that
}

// costs measures all cases in the namespace of the balancer.
func costs(dir string, rounds int) ([]packetCost, error) {
	var all []packetCost
	for _, c := range packetCases {
		for _, flows := range flowCounts {
			one, err := costOf(dir, c, flows, rounds)
			if err != nil {
				return nil, fmt.Errorf("cannot measure a packet of %s: %w", c.name, err)
			}
			all = append(all, one)
		}
	}
	return all, nil
}

func costOf(dir string, c packetCase, flows, rounds int) (_ packetCost, err error) {
	k, err := openKernel(dir, c.forward, balance.ByFlow, flows, bpf.TC)
	if err != nil {
		return packetCost{}, err
	}
	defer func() { err = errors.Join(err, k.close()) }()
	w, err := newWrapper(k.dir)
	if err != nil {
		return packetCost{}, err
	}
	defer w.close()
	if c.verdict == redirects {
		if err := w.fill(c, flows); err != nil {
			return packetCost{}, err
		}
	}
	one := packetCost{Packet: c.name, Flows: flows}
	var empties, ours []float64
	for range rounds + 1 { // the first warms up
		e, _, err := w.run(atRandom, nothing, c.to, ack, flows, packetsARun)
		if err != nil {
			return one, err
		}
		o, verdict, err := w.run(atRandom, balancer, c.to, ack, flows, packetsARun)
		if err != nil {
			return one, err
		}
		if verdict != c.verdict {
			return one, fmt.Errorf("the balancer said %d, not %d", verdict, c.verdict)
		}
		empties, ours = append(empties, float64(e)), append(ours, float64(o-e))
	}
	one.Empty = measure.Median(rounds, func(i int) float64 { return empties[1+i] })
	one.NS = measure.Median(rounds, func(i int) float64 { return ours[1+i] })
	return one, nil
}

// cost of a packet, by the size of the flow table.
const cost = "cost"

const packetsARun = 1 << 20

// Who is called, and in which order flows are taken.
const (
	nothing, balancer = 0, 1
	inOrder, atRandom = 0, 1

	syn, ack = 0x02, 0x10
)

// The state of the wrapper: six words, and the packet from the IP header on.
const (
	stateNext, stateFlows, stateWhich, stateRandom = 0, 4, 8, 12

	statePacket = 16
	packetSize  = 40
)

type wrapper struct {
	state, programs *ebpf.Map
	wrapper, empty  *ebpf.Program
}

// newWrapper puts a program before the balancer that is pinned in a folder.
func newWrapper(dir string) (_ *wrapper, err error) {
	w := &wrapper{}
	defer func() {
		if err != nil {
			w.close()
		}
	}()
	links, err := filepath.Glob(filepath.Join(dir, "*", "tcx-*"))
	if err != nil || len(links) == 0 {
		return nil, errors.Join(err, errors.New("the balancer is on no interface"))
	}
	pinned, err := link.LoadPinnedLink(links[0], nil)
	if err != nil {
		return nil, err
	}
	defer pinned.Close()
	info, err := pinned.Info()
	if err != nil {
		return nil, err
	}
	lb, err := ebpf.NewProgramFromID(info.Program)
	if err != nil {
		return nil, err
	}
	defer lb.Close()
	w.empty, err = ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: ebpf.SchedCLS, License: "MIT", Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, -1), asm.Return()},
	})
	if err != nil {
		return nil, err
	}
	if w.state, err = ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: statePacket + packetSize, MaxEntries: 1}); err != nil {
		return nil, err
	}
	if w.programs, err = ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.ProgramArray, KeySize: 4, ValueSize: 4, MaxEntries: 2}); err != nil {
		return nil, err
	}
	w.wrapper, err = ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.SchedCLS, License: "GPL", Instructions: wrapperCode(w.state, w.programs)})
	if err != nil {
		return nil, err
	}
	return w, errors.Join(w.programs.Put(uint32(nothing), w.empty), w.programs.Put(uint32(balancer), lb))
}

// wrapperCode writes the packet of the next flow, or of any, and calls on. The
// source of flow n is 10.0.0.0 + n/16384, port 1024 + n%16384.
func wrapperCode(state, programs *ebpf.Map) asm.Instructions {
	return asm.Instructions{
		asm.Mov.Reg(asm.R6, asm.R1),
		asm.StoreImm(asm.RFP, -4, 0, asm.Word),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, -4),
		asm.LoadMapPtr(asm.R1, state.FD()),
		asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, "out"),
		asm.Mov.Reg(asm.R7, asm.R0),

		asm.LoadMem(asm.R1, asm.R7, stateRandom, asm.Word),
		asm.JEq.Imm(asm.R1, inOrder, "order"),
		asm.FnGetPrandomU32.Call(),
		asm.Mov.Reg(asm.R8, asm.R0),
		asm.Ja.Label("which"),
		asm.LoadMem(asm.R8, asm.R7, stateNext, asm.Word).WithSymbol("order"),
		asm.Mov.Reg(asm.R1, asm.R8),
		asm.Add.Imm(asm.R1, 1),
		asm.StoreMem(asm.R7, stateNext, asm.R1, asm.Word),

		asm.LoadMem(asm.R1, asm.R7, stateFlows, asm.Word).WithSymbol("which"),
		asm.Mod.Reg32(asm.R8, asm.R1),
		asm.Mov.Reg32(asm.R1, asm.R8),
		asm.RSh.Imm(asm.R1, 14),
		asm.Or.Imm(asm.R1, 10<<24),
		asm.HostTo(asm.BE, asm.R1, asm.Word),
		asm.StoreMem(asm.R7, statePacket+12, asm.R1, asm.Word),
		asm.And.Imm(asm.R8, 1<<14-1),
		asm.Add.Imm(asm.R8, 1024),
		asm.HostTo(asm.BE, asm.R8, asm.Half),
		asm.StoreMem(asm.R7, statePacket+20, asm.R8, asm.Half),

		asm.Mov.Reg(asm.R1, asm.R6),
		asm.Mov.Imm(asm.R2, 14),
		asm.Mov.Reg(asm.R3, asm.R7),
		asm.Add.Imm(asm.R3, statePacket),
		asm.Mov.Imm(asm.R4, packetSize),
		asm.Mov.Imm(asm.R5, 0),
		asm.FnSkbStoreBytes.Call(),

		asm.LoadMem(asm.R3, asm.R7, stateWhich, asm.Word),
		asm.Mov.Reg(asm.R1, asm.R6),
		asm.LoadMapPtr(asm.R2, programs.FD()),
		asm.FnTailCall.Call(),
		asm.Mov.Imm(asm.R0, 2).WithSymbol("out"),
		asm.Return(),
	}
}

// frame is a packet of 64 bytes on the wire; its source is set by the wrapper.
func frame(to netip.AddrPort, flags byte) []byte {
	f := make([]byte, 60)
	f[12] = 0x08
	ip := f[14:]
	copy(ip, []byte{0x45, 0, 0, 46, 0, 1, 0x40, 0, 64, 6, 0, 0})
	copy(ip[16:], to.Addr().AsSlice())
	binary.BigEndian.PutUint16(ip[22:], to.Port())
	ip[32], ip[33] = 0x50, flags
	return f
}

// run gives what a packet has cost, and what was said of the last one.
func (w *wrapper) run(order, which int, to netip.AddrPort, flags byte, flows, packets int) (time.Duration, uint32, error) {
	return w.runFrom(0, order, which, to, flags, flows, packets)
}

func (w *wrapper) runFrom(next, order, which int, to netip.AddrPort, flags byte, flows, packets int) (time.Duration, uint32, error) {
	f := frame(to, flags)
	state := make([]byte, statePacket, statePacket+packetSize)
	binary.NativeEndian.PutUint32(state[stateNext:], uint32(next))
	binary.NativeEndian.PutUint32(state[stateFlows:], uint32(flows))
	binary.NativeEndian.PutUint32(state[stateWhich:], uint32(which))
	binary.NativeEndian.PutUint32(state[stateRandom:], uint32(order))
	if err := w.state.Put(uint32(0), append(state, f[14:14+packetSize]...)); err != nil {
		return 0, 0, err
	}
	verdict, d, err := w.wrapper.Benchmark(f, packets, nil)
	return d, verdict, err
}

// fill begins so many flows, and has them established: in bunches for which
// there is room among the half open.
func (w *wrapper) fill(c packetCase, flows int) error {
	const bunch = 1 << 13
	for at := 0; at < flows; at += bunch {
		n := min(bunch, flows-at)
		for _, flags := range []byte{syn, ack} {
			_, verdict, err := w.runFrom(at, inOrder, balancer, c.to, flags, flows, n)
			if err != nil {
				return err
			}
			if verdict != redirects {
				return fmt.Errorf("the balancer said %d of flow %d", verdict, at+n-1)
			}
		}
	}
	return nil
}

func (w *wrapper) close() {
	for _, c := range []interface{ Close() error }{w.state, w.programs, w.wrapper, w.empty} {
		_ = c.Close()
	}
}

// costHere is the process that measures them, in the namespace of the balancer.
func costHere(dir string, rounds int) error {
	all, err := costs(dir, rounds)
	if err != nil {
		return err
	}
	return answer(os.Stdout, all)
}
