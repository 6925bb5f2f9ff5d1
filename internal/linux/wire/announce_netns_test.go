package wire

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/holdfast-net/holdfast/internal/announce"
	"github.com/holdfast-net/holdfast/internal/engine"
)

// Each form of announcement alone must move the address in the neighbour table
// of a kernel that knows it elsewhere, and say whether a router or a host has
// it now (RFC 4861 §4.4).
func TestSend_AnnouncementsMoveNeighbours(t *testing.T) {
	a, b := pair(t)
	vip4, vip6 := netip.MustParseAddr("192.0.2.9"), netip.MustParseAddr("fe80::9")
	for _, test := range []struct {
		name   string
		addr   netip.Addr
		before int // flags of the neighbour
		frame  []byte
		router bool
	}{
		{"ARP request", vip4, 0, announce.AppendARPRequest(nil, vMAC, vip4), false},
		{"ARP reply", vip4, 0, announce.AppendARPReply(nil, vMAC, vip4), false},
		{"advertisement of a host", vip6, netlink.NTF_ROUTER, announce.AppendNA(nil, vMAC, vip6, announce.Host), false},
		{"advertisement of a router", vip6, 0, announce.AppendNA(nil, vMAC, vip6, announce.Router), true},
	} {
		t.Run(test.name, func(t *testing.T) {
			old := net.HardwareAddr{0x02, 0, 0, 0, 0, 0x77}
			entry := &netlink.Neigh{
				LinkIndex: b.link("eth0").Attrs().Index, IP: test.addr.AsSlice(),
				State: netlink.NUD_STALE, Flags: test.before, HardwareAddr: old,
			}
			must(t, b.nl.NeighSet(entry))
			a.send(engine.Outgoing{Port: a.port, Kind: engine.Frame, Data: test.frame})
			var got netlink.Neigh
			for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
				if got = b.neighbour(test.addr); got.HardwareAddr.String() != old.String() || time.Now().After(end) {
					break
				}
			}
			if got.HardwareAddr.String() != net.HardwareAddr(vMAC[:]).String() {
				t.Errorf("%s is at %s, want %s", test.addr, got.HardwareAddr, net.HardwareAddr(vMAC[:]))
			}
			if router := got.Flags&netlink.NTF_ROUTER != 0; router != test.router {
				t.Errorf("%s is a router: %v, want %v", test.addr, router, test.router)
			}
		})
	}
}

// neighbour is what the node knows about an address on eth0.
func (n *node) neighbour(a netip.Addr) netlink.Neigh {
	n.t.Helper()
	list, err := n.nl.NeighList(n.link("eth0").Attrs().Index, 0)
	must(n.t, err)
	for _, e := range list {
		if ip, _ := netip.AddrFromSlice(e.IP); ip.Unmap() == a {
			return e
		}
	}
	return netlink.Neigh{}
}
