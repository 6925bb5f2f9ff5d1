package suite

import (
	"net/netip"
	"time"

	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/balance/packets"
)

// MAC is one of Ethernet.
type MAC = [6]byte

// The links of the world: every machine is on one switch, whose links have an
// MTU of 1500. Clients and routers are behind the MAC of Client.
var (
	Own      = MAC{2, 0, 0, 0, 0, 1}
	Client   = MAC{2, 0, 0, 0, 0, 7}
	Backends = [2]MAC{{2, 0, 0, 0, 0, 0x11}, {2, 0, 0, 0, 0, 0x12}}
)

// MTU is that of all links.
const MTU = 1500

// Port is the only one that full NAT may take.
const Port = 20000

// Family is the addresses of one.
type Family struct {
	Name string
	VIP  netip.Addr
	// Node is this node's own, which tunnels begin at, and Source the one that
	// full NAT sends from.
	Node, Source netip.Addr
	Client       netip.Addr
	Router       netip.Addr // on the way to clients, or to backends
	Backends     [2]netip.Addr
}

func (f Family) is4() bool { return f.VIP.Is4() }

// Families are IPv4 and IPv6.
var Families = [2]Family{
	{
		Name: "IPv4", VIP: netip.MustParseAddr("203.0.113.10"), Node: netip.MustParseAddr("192.0.2.1"),
		Source: netip.MustParseAddr("192.0.2.9"), Client: netip.MustParseAddr("198.51.100.7"), Router: netip.MustParseAddr("198.51.100.254"),
		Backends: [2]netip.Addr{netip.MustParseAddr("192.0.2.11"), netip.MustParseAddr("192.0.2.12")},
	},
	{
		Name: "IPv6", VIP: netip.MustParseAddr("2001:db8:ff::10"), Node: netip.MustParseAddr("2001:db8:1::1"),
		Source: netip.MustParseAddr("2001:db8:1::9"), Client: netip.MustParseAddr("2001:db8:2::7"), Router: netip.MustParseAddr("2001:db8:2::fe"),
		Backends: [2]netip.Addr{netip.MustParseAddr("2001:db8:1::11"), netip.MustParseAddr("2001:db8:1::12")},
	},
}

// vip is where the service is, backend where its n-th backend is, and as what the
// client is known to one.
func (f Family) vip() netip.AddrPort          { return netip.AddrPortFrom(f.VIP, 80) }
func (f Family) client() netip.AddrPort       { return netip.AddrPortFrom(f.Client, 40000) }
func (f Family) backend(n int) netip.AddrPort { return netip.AddrPortFrom(f.Backends[n], 8080) }
func (f Family) translated() netip.AddrPort   { return netip.AddrPortFrom(f.Source, Port) }
func (f Family) source(w way) netip.AddrPort {
	if w.forward == balance.FullNAT {
		return f.translated()
	}
	return f.client()
}

// way is one of getting a packet to a backend.
type way struct {
	name          string
	forward       balance.Forward
	encapsulation balance.Encapsulation
	over          *Family // that backends are of; nil: the service's
}

var (
	nat     = way{name: "nat", forward: balance.NAT}
	fullNAT = way{name: "full-nat", forward: balance.FullNAT}
	dsr     = way{name: "dsr", forward: balance.DSR}

	ways = []way{
		nat, fullNAT, dsr,
		{"IPIP over IPv4", balance.Tunnel, balance.IPIP, &Families[0]},
		{"IPIP over IPv6", balance.Tunnel, balance.IPIP, &Families[1]},
		{"GUE over IPv4", balance.Tunnel, balance.GUE, &Families[0]},
		{"GUE over IPv6", balance.Tunnel, balance.GUE, &Families[1]},
	}
)

func (w way) twoWay() bool { return w.forward <= balance.FullNAT }

// plan is one of a service that sends all new flows to its first backend. It has
// another one.
func (f Family) plan(w way, proto uint8, change ...func(*balance.Plan)) []*balance.Plan {
	by := f
	if w.over != nil {
		by = *w.over
	}
	p := &balance.Plan{
		Service: &balance.Service{
			Name: "web", Listen: []balance.Endpoint{{AddrPort: f.vip(), Proto: balance.Proto(proto)}}, Forward: w.forward,
			Encapsulation: w.encapsulation, Translate: []netip.Addr{f.Source}, OnDown: balance.Keep, OnRemoved: balance.Keep,
			Timeouts: balance.Timeouts{
				HalfOpen: time.Minute, Established: time.Hour, Closing: time.Minute, Closed: time.Minute, UDP: time.Minute, UDPAssured: time.Minute,
			},
		},
		Select: balance.InTurn, Seed: [16]byte{1, 2, 3}, Table: []uint16{0},
		Targets: []balance.Target{{ID: 1, Addr: by.backend(0), Weight: 1}, {ID: 2, Addr: by.backend(1), Weight: 1}},
	}
	for _, c := range change {
		c(p)
	}
	return []*balance.Plan{p}
}

// asked is a packet of the client to the service, or of TCP a SYN; heard is a
// later one.
func (f Family) asked(proto uint8) packets.Packet {
	return packets.Packet{
		From: Client, To: Own, Src: f.client(), Dst: f.vip(), Proto: proto, Flags: packets.SYN,
		Seq: 0x01020304, Payload: []byte("is anybody there?"),
	}
}

func (f Family) heard(proto uint8) packets.Packet {
	p := f.asked(proto)
	p.Flags, p.Seq, p.Ack = packets.ACK, 0x01020316, 0xa0b0c0d0
	return p
}

// answered is a packet of the first backend to whom it takes for the client.
func (f Family) answered(w way, proto uint8) packets.Packet {
	return packets.Packet{
		From: Backends[0], To: Own, Src: f.backend(0), Dst: f.source(w), Proto: proto, Flags: packets.SYN | packets.ACK,
		Seq: 0xa0b0c0cf, Ack: 0x01020316, Payload: []byte("here I am"),
	}
}
