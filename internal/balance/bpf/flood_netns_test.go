package bpf

import (
	"encoding/binary"
	"flag"
	"net/netip"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/balance/packets"
)

var flood = flag.Int("flood", 50_000, "how many packets a flood has")

// flooded is a plane with room for few flows, one of them established, and what
// runs its program on a frame again and again.
type flooded struct {
	*pair
	plane       *Plane
	client, vip netip.AddrPort
}

func newFlooded(t *testing.T, proto balance.Proto) *flooded {
	f := families[0]
	l := newLab(t, 1)
	x := &flooded{pair: &pair{lab: l}, plane: l.open(Config{Flows: 512, HalfOpen: 512}), client: at(f.client, 1001), vip: at(f.vip, 80)}
	web := f.plan(1, nil)
	other := f.plan(1, func(p *balance.Plan) {
		p.Service.Name, p.Service.Listen[0] = "flooded", balance.Endpoint{AddrPort: at(f.vip, 53), Proto: proto}
	})
	must(t, x.plane.Apply([]*balance.Plan{web, other}))
	if !x.give(x.plane, x.client, x.vip, packets.TCP, packets.SYN) || !x.give(x.plane, x.client, x.vip, packets.TCP, packets.ACK) {
		t.Fatal("no flow began")
	}
	return x
}

// frames runs the program on the packets of as many clients as a flood has.
func (x *flooded) frames(each ...packets.Packet) {
	x.Helper()
	var opts []ebpf.RunOptions
	for _, p := range each {
		p.From, p.NoSum = clientMAC, true
		opts = append(opts, ebpf.RunOptions{Data: p.Frame(), DataOut: make([]byte, 512), Repeat: 1})
	}
	for i := range *flood {
		for n, o := range opts {
			address, p := o.Data[26:30], o.Data[34:36]
			if each[n].Src.Port() == 8080 { // of the backend
				address, p = o.Data[30:34], o.Data[36:38]
			}
			binary.BigEndian.PutUint32(address, 0x0a000000+uint32(i)>>4)
			binary.BigEndian.PutUint16(p, uint16(1024+i&15))
			if _, err := x.plane.objs.HoldfastLb1.Run(&o); err != nil {
				x.Fatal(err)
			}
		}
	}
}

// stands says whether the flow that there was before is there, and how many
// entries there are of others.
func (x *flooded) stands() (others int) {
	x.Helper()
	if !x.give(x.plane, x.client, x.vip, packets.TCP, packets.ACK) {
		x.Error("the flood has pushed out an established flow")
	}
	var k flowKey
	var v flow
	it := x.plane.objs.HfFlows.Iterate()
	for it.Next(&k, &v) {
		others++
	}
	must(x, it.Err())
	return others - 2
}

// No flood of packets to which nobody listens takes the room of connections:
// not SYNs, not SYNs from the addresses of others, who answer what they did not
// ask for with a RST, and not questions that are answered once.
func TestFloodsLeaveRoomForConnections(t *testing.T) {
	f := families[0]
	from, dns := at(f.client, 1), at(f.vip, 53)
	for _, c := range []struct {
		name   string
		proto  uint8
		frames []packets.Packet
	}{
		{"SYN", packets.TCP, []packets.Packet{{Src: from, Dst: dns, Proto: packets.TCP, Flags: packets.SYN}}},
		{"SYN, RST", packets.TCP, []packets.Packet{
			{Src: from, Dst: dns, Proto: packets.TCP, Flags: packets.SYN}, {Src: from, Dst: dns, Proto: packets.TCP, Flags: packets.RST},
		}},
		{"question, answer", packets.UDP, []packets.Packet{
			{Src: from, Dst: dns, Proto: packets.UDP}, {Src: at(f.backends[0], 8080), Dst: from, Proto: packets.UDP},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := newFlooded(t, balance.Proto(c.proto))
			x.frames(c.frames...)
			if n := x.stands(); n != 0 {
				t.Errorf("%d entries of flows that nobody has established", n)
			}
		})
	}
}

// A RST that an end does not believe ends nothing, however long the connection
// is idle afterwards.
func TestForgedResetEndsNothing(t *testing.T) {
	x := newFlooded(t, balance.TCP)
	x.plane.services["web"].plan.Service.Timeouts.Closed = 0
	give := func(from, to netip.AddrPort, flags uint8) {
		t.Helper()
		if !x.give(x.plane, from, to, packets.TCP, flags) {
			t.Errorf("what %s says does not arrive", from)
		}
	}
	give(x.client, x.vip, packets.RST)
	give(at(families[0].backends[0], 8080), x.client, packets.ACK) // that it does not believe it
	must(t, x.plane.Sweep())
	give(x.client, x.vip, packets.ACK)
	u, err := x.plane.Usage("web")
	must(t, err)
	if u[1].Flows != 1 || u[0].Flows != 1 {
		t.Errorf("%d flows of the backend, %d of the service, want 1", u[1].Flows, u[0].Flows)
	}
}
