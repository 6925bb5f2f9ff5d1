package bpf

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

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
	must(b, err)
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
	before := b.drops()
	got, out := b.run(frame)
	want := b.model.Step(b.when(frame), frame)
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
		before[want.Why]++
	}
	if after := b.drops(); fmt.Sprint(after) != fmt.Sprint(before) {
		b.Fatalf("counted %v, want %v: % x", after, before, frame)
	}
	return want
}

// when is the time that the program took a frame to arrive at, as far as that
// matters: where its service has a rate, the second that it counted in.
func (b *bench) when(frame []byte) time.Duration {
	for _, p := range b.plans {
		s := b.plane.services[p.Service.Name]
		if p.Service.NewPerSecond != 0 && s != nil && destination(frame) == p.Service.Listen[0].AddrPort {
			return time.Duration(b.plane.tallies[s.nobody].second.Load()) * time.Second
		}
	}
	return time.Duration(monotonic())
}

// destination is where a packet goes that is no later fragment.
func destination(frame []byte) netip.AddrPort {
	at, dst := 14+int(frame[14]&15)*4, frame[30:34]
	if frame[12] != 0x08 {
		at, dst = 54, frame[38:54]
		for next := frame[20]; next == 60 || next == 44; at += 8 {
			next = frame[at]
		}
	}
	a, _ := netip.AddrFromSlice(dst)
	return netip.AddrPortFrom(a, binary.BigEndian.Uint16(frame[at+2:]))
}

// tap is a socket that sees what leaves through an interface.
func tap(t testing.TB, index int) int {
	t.Helper()
	all := int(binary.NativeEndian.Uint16([]byte{0, unix.ETH_P_ALL}))
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, all)
	must(t, err)
	t.Cleanup(func() { unix.Close(fd) })
	must(t, unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: uint16(all), Ifindex: index}))
	return fd
}

// left is the frame of TCP that the program sent besides what it was given.
func (b *bench) left() (frame []byte) {
	b.Helper()
	buf := make([]byte, 65536)
	for {
		n, from, err := unix.Recvfrom(b.wire, buf, 0)
		if err == unix.EAGAIN {
			return frame
		}
		must(b, err)
		if from.(*unix.SockaddrLinklayer).Pkttype != unix.PACKET_OUTGOING || !isTCP(buf[:n]) {
			continue
		}
		if frame != nil {
			b.Fatalf("two frames left besides: % x, % x", frame, buf[:n])
		}
		frame = slices.Clone(buf[:n])
	}
}

func isTCP(frame []byte) bool {
	switch binary.BigEndian.Uint16(frame[12:]) {
	case unix.ETH_P_IP:
		return frame[23] == packets.TCP
	case unix.ETH_P_IPV6:
		return frame[20] == packets.TCP
	}
	return false
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
	for _, seed := range []uint64{1, 2, 3, 4} {
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
				p := randomPacket(r, plans)
				if len(last) > 0 && r.IntN(3) == 0 {
					p = last[r.IntN(len(last))]
					p.Flags = randomFlags(r)
				}
				frame := p.Frame()
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

// randomError is one about an answer to a packet, or about what was sent to a
// backend.
func randomError(r *rand.Rand, p packets.Packet, sent [][]byte) []byte {
	p.Src, p.Dst = p.Dst, p.Src
	about := p.Frame()
	if len(sent) > 0 && r.IntN(2) == 0 {
		about = sent[r.IntN(len(sent))]
	}
	e := packets.Error{
		From: p.From, To: p.To, Hops: uint8(1 + r.IntN(64)), Code: uint8(r.IntN(5)),
		Rest: [...]uint32{0, 500, 576, 1279, 1280, 1400}[r.IntN(6)], About: packets.IP(about, 20+r.IntN(120)),
	}
	if about[12] == 0x08 {
		e.Type = [...]uint8{packets.Unreachable4, packets.Unreachable4, packets.TimeExceeded4, packets.ParameterProblem4, packets.Redirect4, packets.Echo4}[r.IntN(6)]
		e.Src, e.Dst = netip.MustParseAddr("198.51.100.254"), netip.AddrFrom4([4]byte(about[26:]))
	} else {
		e.Type = [...]uint8{packets.Unreachable6, packets.TooBig6, packets.TimeExceeded6, packets.ParameterProblem6, packets.Echo6}[r.IntN(5)]
		e.Src, e.Dst = netip.MustParseAddr("2001:db8:2::fe"), netip.AddrFrom16([16]byte(about[22:]))
	}
	if r.IntN(20) == 0 {
		e.Dst = p.Dst.Addr()
	}
	return e.Frame()
}

func randomFlags(r *rand.Rand) uint8 {
	return [...]uint8{packets.SYN, packets.SYN, packets.ACK, packets.ACK, packets.ACK, packets.ACK | packets.FIN, packets.RST, packets.SYN | packets.ACK}[r.IntN(8)]
}

var services = []struct {
	name    string
	proto   balance.Proto
	forward balance.Forward
	sel     balance.Select
}{
	{"nat", balance.TCP, balance.NAT, balance.InTurn},
	{"nat-maglev", balance.TCP, balance.NAT, balance.ByFlow},
	{"full", balance.TCP, balance.FullNAT, balance.Least},
	{"dns", balance.UDP, balance.FullNAT, balance.BySource},
	{"udp", balance.UDP, balance.NAT, balance.LeastOfTwo},
	{"dsr", balance.TCP, balance.DSR, balance.BySource},
	{"gue", balance.TCP, balance.Tunnel, balance.ByFlow},
	{"ipip", balance.UDP, balance.Tunnel, balance.InTurn},
}

// randomPlans are those of services in both families. Targets keep their IDs.
func randomPlans(r *rand.Rand, before []*balance.Plan) []*balance.Plan {
	var plans []*balance.Plan
	for fi, f := range families {
		for i, kind := range services {
			by := f
			if kind.forward == balance.Tunnel {
				by = families[r.IntN(2)]
			}
			s := &balance.Service{
				Name: kind.name + f.name, Listen: []balance.Endpoint{{AddrPort: netip.AddrPortFrom(f.vip, uint16(80+i)), Proto: kind.proto}},
				Forward: kind.forward, Timeouts: timeouts, Translate: []netip.Addr{f.source},
				OnDown: balance.Policy(r.IntN(3)), OnRemoved: balance.Policy(r.IntN(3)),
				Encapsulation: balance.Encapsulation(r.IntN(2)), Sources: [2]uint8{uint8(r.IntN(33)), uint8(r.IntN(129))},
			}
			switch r.IntN(4) {
			case 0:
				s.Affinity = time.Hour
			case 1:
				s.Allow = []netip.Prefix{netip.PrefixFrom([]netip.Addr{f.client, f.balancer}[r.IntN(2)], f.client.BitLen()-r.IntN(3))}
			case 2:
				s.MaxFlows = uint64(1 + r.IntN(4))
			case 3:
				s.NewPerSecond = uint32(1 + r.IntN(3))
			}
			p := &balance.Plan{Service: s, Select: kind.sel, Seed: [16]byte{byte(seedByte), byte(i), byte(fi)}}
			for n := range 1 + r.IntN(3) {
				p.Targets = append(p.Targets, balance.Target{
					ID: uint32(n + 1), Addr: netip.AddrPortFrom(by.backends[n], 8080), Weight: uint32(1 + r.IntN(3)),
					State: balance.State([...]int{0, 0, 0, 1, 2, 3}[r.IntN(6)]), MaxFlows: uint32(r.IntN(4)),
				})
				if p.Targets[n].State == balance.Up {
					for range 1 + r.IntN(3) {
						p.Table = append(p.Table, uint16(n))
					}
				}
			}
			if r.IntN(3) == 0 && before != nil {
				p = before[len(plans)] // as it was
			}
			plans = append(plans, p)
		}
	}
	return plans
}

const seedByte = 42

// randomPacket is one that concerns a service, or nearly.
func randomPacket(r *rand.Rand, plans []*balance.Plan) packets.Packet {
	p := plans[r.IntN(len(plans))].Service
	f := families[0]
	if p.Listen[0].Addr().Is6() {
		f = families[1]
	}
	pkt := packets.Packet{
		From: clientMAC, To: ownMAC, Src: netip.AddrPortFrom(f.client, uint16(40000+r.IntN(6))), Dst: p.Listen[0].AddrPort,
		Seq: r.Uint32(), Ack: r.Uint32(), Proto: uint8(p.Listen[0].Proto), Flags: randomFlags(r), TOS: uint8(r.IntN(256)), Hops: uint8(1 + r.IntN(64)),
		Payload: make([]byte, r.IntN(100)), ID: uint16(r.IntN(3)), NoSum: p.Listen[0].Proto == balance.UDP && f.vip.Is4() && r.IntN(4) == 0,
	}
	for i := range pkt.Payload {
		pkt.Payload[i] = byte(r.Uint32())
	}
	switch r.IntN(13) {
	case 0:
		pkt.Dst = netip.AddrPortFrom(pkt.Dst.Addr(), 79) // nobody's
	case 1:
		pkt.Dst = netip.AddrPortFrom(f.source, uint16(1000+r.IntN(100))) // where full NAT sends from
	case 2:
		pkt.Fragment = 1 + r.IntN(2)
		pkt.Payload = slices.Repeat([]byte{7}, 64)
	case 3:
		pkt.To[5] = 99 // another machine's
	case 12:
		pkt.MayBreak = r.IntN(2) == 0
		pkt.Payload = make([]byte, 1300+r.IntN(300))
	case 4:
		pkt.Options = slices.Repeat([]byte{1}, 4*r.IntN(4))
		pkt.Headers = slices.Repeat([]uint8{60}, r.IntN(7))
	}
	if f.vip.Is4() {
		pkt.Headers = nil
	} else {
		pkt.Options = nil
	}
	return pkt
}
