package bpf

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/balance/packets"
)

// spoilt is a frame some bytes of which are others, or that is cut off: with
// lengths, protocols, fragments and flags that nobody sends by mistake.
func spoilt(r *rand.Rand, frame []byte) []byte {
	frame = slices.Clone(frame)
	for range r.IntN(3) {
		at := 12 + r.IntN(min(len(frame)-12, 80))
		if at >= 22 && at < 54 && frame[12] == 0x86 || at >= 26 && at < 34 {
			continue // addresses: nobody knows the way to others
		}
		if r.IntN(2) == 0 {
			frame[at] ^= 1 << r.IntN(8)
		} else {
			frame[at] = byte(r.Uint32())
		}
	}
	// The kernel runs programs on nothing that is shorter than a header.
	if least := 54; len(frame) > least && r.IntN(3) == 0 {
		frame = frame[:least+r.IntN(len(frame)-least)]
	}
	return frame
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
			if kind.name == "udp" || kind.name == "nat" { // one port that full NAT cannot have
				s.Listen = append(s.Listen, balance.Endpoint{AddrPort: at(f.source, 20001), Proto: kind.proto})
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
	if r.IntN(10) == 0 {
		from := []netip.AddrPort{
			at(f.client, 0), at(f.client, 65535), at(f.backends[0], 40000), at(f.backends[1], 8080), at(f.vip, 80), at(f.source, 20000), at(f.vip, 40000),
		}
		pkt.Src = from[r.IntN(len(from))]
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
		for range r.IntN(8) { // a fragment header with nothing behind it is of a whole datagram
			pkt.Headers = append(pkt.Headers, [...]uint8{60, 60, 0, 43, 44, 51}[r.IntN(6)])
		}
	}
	if f.vip.Is4() {
		pkt.Headers = nil
	} else {
		pkt.Options = nil
	}
	return pkt
}
