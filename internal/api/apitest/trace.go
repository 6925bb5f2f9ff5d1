package apitest

import (
	"net/netip"
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
)

// TracedPackets is a SYN that goes to its backend, the answer, and one that is
// dropped.
func TracedPackets() []api.TracedPacket {
	client, vip := netip.MustParseAddrPort("198.51.100.7:40000"), netip.MustParseAddrPort("192.0.2.10:443")
	seen, backend := netip.MustParseAddrPort("192.0.2.10:20117"), netip.MustParseAddrPort("10.0.0.12:443")
	const syn, ack = 2, 16
	all := []api.TracedPacket{
		{From: "client", Fate: api.FateSent, Came: segment(client, vip, syn), Left: segment(seen, backend, syn)},
		{From: "backend", Fate: api.FateSent, Came: segment(backend, seen, syn|ack), Left: segment(vip, client, syn|ack)},
		{From: "client", Fate: api.FateDropped, Reason: "ended", Came: segment(client, vip, ack), Left: api.Frame{Bytes: []byte{}}, Missed: 3},
	}
	for i := range all {
		p := &all[i]
		p.Schema, p.Time, p.Interface = api.SchemaTracedPacket, Now().Add(time.Duration(i)*250*time.Microsecond), "eth0"
		p.Service, p.Client, p.Backend = "shop", client.String(), backend.String()
	}
	return all
}

// segment is a frame of TCP over IPv4 without data.
func segment(src, dst netip.AddrPort, flags byte) api.Frame {
	ports := []byte{byte(src.Port() >> 8), byte(src.Port()), byte(dst.Port() >> 8), byte(dst.Port())}
	b := slices.Concat(
		[]byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0},
		[]byte{0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6, 0, 0}, src.Addr().AsSlice(), dst.Addr().AsSlice(),
		ports, make([]byte, 8), []byte{0x50, flags, 0xff, 0xff, 0, 0, 0, 0},
	)
	return api.Frame{Length: len(b), Bytes: b}
}
