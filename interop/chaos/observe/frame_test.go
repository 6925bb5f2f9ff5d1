package observe

import (
	"encoding/binary"
	"net"
	"net/netip"
	"testing"

	"github.com/holdfast-net/holdfast/internal/lab"
	"github.com/holdfast-net/holdfast/interop/chaos/measure"
)

var (
	mac   = net.HardwareAddr{2, 0, 0, 0, 0, 1}
	vip   = netip.MustParseAddr("192.0.2.10")
	asker = netip.MustParseAddr("192.0.2.130")
	node  = netip.MustParseAddr("192.0.2.1")
	vip6  = netip.MustParseAddr("2001:db8::10")
	ask6  = netip.MustParseAddr("2001:db8::82")
	all6  = netip.MustParseAddr("ff02::1")
)

// arp is an ARP message, RFC 826.
func arp(op uint16, sender, target netip.Addr) []byte {
	b := lab.Question(mac, sender, target)
	binary.BigEndian.PutUint16(b[14+6:], op)
	return b
}

// nd is a message of neighbour discovery, RFC 4861.
func nd(kind byte, src, dst, target netip.Addr) []byte {
	b := lab.Question(mac, src, target)
	copy(b[14+24:], dst.AsSlice())
	b[14+40] = kind
	return b
}

// ipv4 is a packet with a payload.
func ipv4(src netip.Addr, proto byte, payload ...byte) []byte {
	b := append(make([]byte, 14), 0x45, 0, 0, 0, 0, 0, 0, 0, 255, proto, 0, 0)
	binary.BigEndian.PutUint16(b[12:], typeIPv4)
	b = append(append(b, src.AsSlice()...), 224, 0, 0, 18)
	return append(b, payload...)
}

func TestRead(t *testing.T) {
	none := netip.IPv4Unspecified()
	for _, c := range []struct {
		name  string
		vip   netip.Addr
		frame []byte
		want  string
	}{
		{"a question", vip, arp(1, asker, vip), "asked 192.0.2.130"},
		{"an answer", vip, arp(2, vip, asker), "answers 192.0.2.130"},
		{"a gratuitous request", vip, arp(1, vip, vip), "claims invalid IP"},
		{"a request that gives the address as its own", vip, arp(1, vip, node), "claims invalid IP"},
		{"a probe, which claims nothing yet", vip, arp(1, none, vip), "asked 0.0.0.0"},
		{"a question for another address", vip, arp(1, asker, node), ""},
		{"an answer from another address", vip, arp(2, node, asker), ""},
		{"a solicitation", vip6, nd(solicitation, ask6, all6, vip6), "asked 2001:db8::82"},
		{"an advertisement", vip6, nd(advertisement, vip6, ask6, vip6), "answers 2001:db8::82"},
		{"an advertisement to all", vip6, nd(advertisement, vip6, all6, vip6), "answers ff02::1"},
		{"an advertisement for another address", vip6, nd(advertisement, vip6, all6, ask6), ""},
		{"an advert", vip, ipv4(node, protoVRRP, 0x31, 51, 100, 1, 0, 100, 0, 0), "adverts invalid IP"},
		{"priority 0", vip, ipv4(node, protoVRRP, 0x31, 51, 0, 1, 0, 100, 0, 0), "resigns invalid IP"},
		{"traffic from the address", vip, ipv4(vip, protoUDP, 0, 7, 0, 0, 0, 8, 0, 0), "serves invalid IP"},
		{"traffic from another address", vip, ipv4(node, protoUDP, 0, 7, 0, 0, 0, 8, 0, 0), ""},
		{"too short", vip, arp(1, asker, vip)[:30], ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := ""
			if m, ok := read(c.vip, c.frame); ok {
				got = m.kind.String() + " " + m.asker.String()
			}
			if got != c.want {
				t.Errorf("it is %q, want %q", got, c.want)
			}
		})
	}
}

// An answer to an observer's question names the question; nothing else does.
func TestProbeOf(t *testing.T) {
	seen := map[uint32]bool{}
	for number := range 2 {
		for _, family := range []netip.Addr{vip, vip6} {
			for _, own := range Asking(number, family) {
				probe, ok := probeOf(own.Addr())
				if !ok || family.Is4() && seen[probe] {
					t.Errorf("%v: probe %d, which is not the only one", own, probe)
				}
				seen[probe] = seen[probe] || family.Is4()
			}
		}
	}
	for _, a := range []netip.Addr{{}, node, vip, vip6, all6, netip.MustParseAddr("fe80::ff:fe00:8a"), netip.IPv4Unspecified()} {
		if probe, ok := probeOf(a); ok {
			t.Errorf("%v is taken for probe %d", a, probe)
		}
	}
	if Slots*Every <= measure.Patience {
		t.Error("a number is used again while its answer is waited for")
	}
}
