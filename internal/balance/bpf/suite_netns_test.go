package bpf

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/balance/model"
	"github.com/holdfast-net/holdfast/internal/balance/packets"
)

// bench is the program in the kernel and the model, side by side.
type bench struct {
	testing.TB
	plane *Plane
	model *model.Balancer
	index uint32
	plans []*balance.Plan
	wire  int // a socket that sees what leaves meanwhile
	hook  Hook
	// How many of the packets that XDP saw it has dealt with itself.
	native, seen int
}

var (
	seeds     = flag.Uint64("seeds", 4, "how many seeds the kernel is held against the model with")
	firstSeed = flag.Uint64("first", 1, "the first of them")
)

var (
	ownMAC    = [6]byte{2, 0, 0, 0, 0, 1}
	clientMAC = [6]byte{2, 0, 0, 0, 0, 7}
)

func newBench(t testing.TB, hook Hook) *bench {
	t.Helper()
	l := newLab(t, 3)
	var c Config
	if hook == XDP {
		c = l.native()
	}
	eth0, err := net.InterfaceByName("eth0")
	must(t, err)
	sources := map[netip.Addr]netip.Addr{}
	hops := map[netip.Addr]model.Hop{}
	for _, f := range families {
		hops[f.client] = model.Hop{From: ownMAC, To: clientMAC, MTU: 1500}
		for i, a := range f.backends {
			src, err := sourceTo(a)
			must(t, err)
			sources[a] = netip.AddrFrom16(src).Unmap()
			hops[a] = model.Hop{From: ownMAC, To: [6]byte{2, 0, 0, 0, 0, byte(0x11 + i)}, Source: sources[a], MTU: 1500}
		}
	}
	ports := [2]uint16{20000, 20003} // so few that they run out
	c.Ports = ports
	plane := l.open(c)
	return &bench{
		TB: t, plane: plane, index: uint32(eth0.Index), wire: tap(t, eth0.Index), hook: hook,
		model: model.New(model.Config{MAC: ownMAC, Ports: ports, Route: func(a netip.Addr) (model.Hop, bool) {
			h, ok := hops[a]
			return h, ok
		}}),
	}
}

func (b *bench) apply(plans ...*balance.Plan) {
	b.Helper()
	b.plans = plans
	must(b, b.plane.Apply(plans))
	inUse(b, b.plane, b.hook)
	b.model.Apply(plans)
}

func (b *bench) settle(l balance.Endpoint, settled bool) {
	b.plane.Settle(l, settled)
	b.model.Settle(l, settled)
}

// skb is the beginning of struct __sk_buff.
type skb struct {
	_       [10]uint32
	Ifindex uint32
}

// run gives a frame to the kernel's program: that of XDP first, where it is on
// trial, and what it hands on to that of tc.
func (b *bench) run(frame []byte) (model.Verdict, []byte) {
	b.Helper()
	if b.hook == XDP {
		got, out := b.runXDP(frame)
		b.seen++
		if got != model.Pass {
			b.native++
			return got, out
		}
		if !bytes.Equal(out, frame) {
			b.Fatalf("XDP handed on % x\nas % x", frame, out)
		}
	}
	opts := ebpf.RunOptions{Data: frame, DataOut: make([]byte, len(frame)+256), Context: skb{Ifindex: b.index}, Repeat: 1}
	ret, err := b.plane.objs.HoldfastLb1.Run(&opts)
	if err != nil {
		b.Fatalf("%v: % x", err, frame)
	}
	switch ret {
	case 0xffffffff:
		if bytes.Equal(opts.DataOut, frame) {
			return model.Pass, nil
		}
		return model.Pass, opts.DataOut
	case 2:
		return model.Drop, nil
	case 7:
		return model.Send, opts.DataOut
	}
	b.Fatalf("the program said %d", ret)
	return 0, nil
}

// drops are all that the kernel has counted, by reason.
func (b *bench) drops() map[string]uint64 {
	b.Helper()
	sum := map[string]uint64{}
	names := []string{""}
	for _, p := range b.plans {
		names = append(names, p.Service.Name)
	}
	for _, name := range names {
		d, err := b.plane.Drops(name)
		must(b, err)
		for why, n := range d {
			sum[why.String()] += n
		}
	}
	return sum
}

// step gives a frame to both, and fails where they do not agree in all they do.
func (b *bench) step(frame []byte) model.Result {
	b.Helper()
	before, hurries := b.drops(), b.hurries()
	got, out := b.run(frame)
	want := b.model.Step(b.when(hurries), frame)
	if got != want.Verdict {
		b.Fatalf("the kernel would %s, the model %s (%s): % x\nreasons: %v, then %v", got, want.Verdict, want.Why, frame, before, b.drops())
	}
	if !bytes.Equal(out, want.Frame) {
		b.Fatalf("of % x\nthe kernel made % x\nthe model      % x", frame, out, want.Frame)
	}
	if answer := b.left(); !bytes.Equal(answer, want.Answer) {
		b.Fatalf("of % x\nthe kernel sent % x besides\nthe model       % x", frame, answer, want.Answer)
	}
	if want.Why != "" {
		for why := range strings.SplitSeq(want.Why, ", ") {
			before[why]++
		}
	}
	if after := b.drops(); fmt.Sprint(after) != fmt.Sprint(before) {
		b.Fatalf("counted %v, want %v: % x", after, before, frame)
	}
	return want
}

// hurries is what the program has counted of each service that has a rate: the
// second, and how many flows began in it.
func (b *bench) hurries() map[string][2]uint64 {
	out := map[string][2]uint64{}
	for _, p := range b.plans {
		if s := b.plane.services[p.Service.Name]; p.Service.NewPerSecond != 0 && s != nil {
			t := &b.plane.tallies[s.nobody]
			out[p.Service.Name] = [2]uint64{t.second.Load(), t.began.Load()}
		}
	}
	return out
}

// when is the time that the program took a frame to arrive at, as far as that
// matters: where it has counted, the second that it counted in.
func (b *bench) when(before map[string][2]uint64) time.Duration {
	for name, now := range b.hurries() {
		if now != before[name] {
			return time.Duration(now[0]) * time.Second
		}
	}
	return time.Duration(monotonic())
}

// answer is the backend's packet that answers a frame which was sent to it.
func answerTo(t testing.TB, p packets.Packet, sent []byte) packets.Packet {
	t.Helper()
	a := packets.Packet{From: [6]byte(sent), To: ownMAC, Proto: p.Proto, Payload: []byte("answer")}
	var src, dst netip.Addr
	at := 34
	if p.Src.Addr().Is4() {
		src, _ = netip.AddrFromSlice(sent[26:30])
		dst, _ = netip.AddrFromSlice(sent[30:34])
		at += len(p.Options)
	} else {
		src, _ = netip.AddrFromSlice(sent[22:38])
		dst, _ = netip.AddrFromSlice(sent[38:54])
		at = 54 + 8*len(p.Headers)
	}
	a.Dst = netip.AddrPortFrom(src, uint16(sent[at])<<8|uint16(sent[at+1]))
	a.Src = netip.AddrPortFrom(dst, uint16(sent[at+2])<<8|uint16(sent[at+3]))
	return a
}

// TestKernelDoesAsTheModel gives both the same frames from seeds, while plans
// change. What goes in with right checksums has to come out with right ones.
func TestKernelDoesAsTheModel(t *testing.T) {
	for seed := *firstSeed; seed < *firstSeed+*seeds; seed++ {
		hook := []Hook{TC, XDP}[seed%2]
		t.Run(fmt.Sprint(hook, " seed ", seed), func(t *testing.T) {
			b := newBench(t, hook)
			r := rand.New(rand.NewPCG(seed, 0))
			plans := randomPlans(r, nil)
			b.apply(plans...)
			var last []packets.Packet // answers to what was sent
			var sent [][]byte         // to backends
			verdicts := map[string]int{}
			for i := range 1500 {
				if i%100 == 99 {
					plans = randomPlans(r, plans)
					b.apply(plans...)
				}
				if i%40 == 39 {
					b.settle(plans[r.IntN(len(plans))].Service.Listen[0], r.IntN(3) > 0)
				}
				p := randomPacket(r, plans)
				if len(last) > 0 && r.IntN(3) == 0 {
					p = last[r.IntN(len(last))]
					p.Flags = randomFlags(r)
				}
				frame := p.Frame()
				if r.IntN(6) == 0 {
					frame = spoilt(r, frame)
					got := b.step(frame)
					verdicts["spoilt: "+got.Verdict.String()+" "+got.Why]++
					continue
				}
				if r.IntN(4) == 0 {
					frame, p.Fragment = randomError(r, p, sent), 0
					got := b.step(frame)
					verdicts["error: "+got.Verdict.String()+" "+got.Why]++
					if got.Verdict == model.Send {
						checkSums(t, frame, got.Frame)
					}
					continue
				}
				got := b.step(frame)
				verdicts[got.Verdict.String()+" "+got.Why]++
				if got.Verdict != model.Send || p.Fragment != 0 {
					continue
				}
				checkSums(t, frame, got.Frame)
				if len(got.Frame) == len(frame) {
					sent = append(sent, got.Frame)
					sent = sent[max(0, len(sent)-20):]
					last = append(last, answerTo(t, p, got.Frame))
					last = last[max(0, len(last)-20):]
				}
			}
			for _, p := range plans {
				u, err := b.plane.Usage(p.Service.Name)
				must(t, err)
				for _, target := range p.Targets {
					if got, want := int(u[target.ID].Flows), b.model.Flows(p.Service.Name, target.Addr); got != want {
						t.Errorf("%s has %d flows of %s, the model %d", target.Addr, got, p.Service.Name, want)
					}
				}
			}
			t.Log(verdicts)
			if hook == XDP && b.native < b.seen/3 {
				t.Errorf("XDP dealt with %d of %d packets", b.native, b.seen)
			}
		})
	}
}

func checkSums(t testing.TB, frame, became []byte) {
	t.Helper()
	if err := packets.CheckSums(became); err != nil {
		t.Fatalf("%v: % x became % x", err, frame, became)
	}
}
