package gate

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/engine"
)

// rule is a frame and the door that it needs.
type rule struct {
	name  string
	frame []byte
	door  string // announced, served, advert or always
}

func (r rule) passes(h engine.Hold) bool {
	switch r.door {
	case "announced":
		return h.Announced != 0
	case "served":
		return h.Served != 0
	case "advert":
		return h.Announced != 0 || h.Advertised != 0
	}
	return true
}

var (
	vrrp4, vrrp6 = netip.MustParseAddr("224.0.0.18"), netip.MustParseAddr("ff02::12")
	nobody6      = netip.IPv6Unspecified()
	allNodes     = netip.MustParseAddr("ff02::1")
	nodeLL       = netip.MustParseAddr("fe80::1")
)

// egress is what leaves. Rules about a virtual MAC count where there is one.
func (l *lab) egress() []rule {
	group, groupMAC := solicitedNode(client6)
	mac4 := "always"
	if l.virtual {
		mac4 = "served"
	}
	ip := func(src mac, p []byte) []byte { return ether(clientMAC, src, 0x0800, p) }
	ip6f := func(src mac, p []byte) []byte { return ether(clientMAC, src, 0x86dd, p) }
	return []rule{
		{"ARP reply", arpReply(clientMAC, l.mac4, vip4, client4), "announced"},
		{"ARP request", arpRequest(l.mac4, vip4, client4), "announced"},
		{"gratuitous ARP", arpRequest(l.mac4, vip4, vip4), "announced"},
		{"ARP from the physical MAC", arpRequest(nodeMAC, vip4, client4), "announced"},
		{"ARP probe", arpRequest(nodeMAC, netip.IPv4Unspecified(), vip4), "always"},
		{"ARP of the node", arpRequest(nodeMAC, node4, client4), "always"},
		{"ARP of another address from the MAC", arpRequest(l.mac4, other4, client4), mac4},
		{"advertisement", naFrame(clientMAC, l.mac6, vip6, client6, vip6), "announced"},
		{"advertisement with the node's source", naFrame(clientMAC, nodeMAC, node6, client6, vip6), "announced"},
		{"unsolicited advertisement, link-local", naFrame(multicastMAC6(allNodes), l.mac6, vipLL, allNodes, vipLL), "announced"},
		{"solicitation", nsFrame(l.mac6, vip6, client6), "announced"},
		{"solicitation behind hop-by-hop options", ether(groupMAC, l.mac6, 0x86dd,
			ip6(vip6, group, 0, 255, cat(hopByHop(58), solicit(vip6, group, client6, l.mac6)))), "announced"},
		{"duplicate address detection", nsFrame(nodeMAC, nobody6, vip6), "always"},
		{"UDP", ip(l.mac4, ip4(vip4, client4, 17, nil, udp("x"))), "served"},
		{"UDP with options", ip(l.mac4, ip4(vip4, client4, 17, []byte{1, 1, 1, 0}, udp("x"))), "served"},
		{"UDP of IPv6", ip6f(l.mac6, ip6(vip6, client6, 17, 64, udp("x"))), "served"},
		{"UDP of the node", ip(nodeMAC, ip4(node4, client4, 17, nil, udp("x"))), "always"},
		{"transit from the MAC", ip(l.mac4, ip4(other4, client4, 17, nil, udp("x"))), mac4},
		{"no IP from the MAC", ether(clientMAC, l.mac4, 0x88cc, []byte("lldp")), mac4},
		{"MLD from the MAC", ip6f(l.mac6, ip6(nobody6, vrrp6, 0, 1, cat(hopByHop(58), icmp6(nobody6, vrrp6, make([]byte, 24))))), mac4},
		{"advert", ip(l.mac4, ip4(node4, vrrp4, 112, nil, advert(3, vrid, 100))), "advert"},
		{"advert, version 2", ip(l.mac4, ip4(node4, vrrp4, 112, nil, advert(2, vrid, 100))), "advert"},
		{"advert, unicast and physical", ip(nodeMAC, ip4(node4, client4, 112, nil, advert(3, vrid, 100))), "advert"},
		{"advert from the address", ip(l.mac4, ip4(vip4, vrrp4, 112, nil, advert(3, vrid, 255))), "advert"},
		{"advert of IPv6", ip6f(l.mac6, ip6(nodeLL, vrrp6, 112, 255, advert(3, vrid, 100))), "advert"},
		{"advert with priority 0", ip(l.mac4, ip4(node4, vrrp4, 112, nil, advert(3, vrid, 0))), "always"},
		{"advert with priority 0 of IPv6", ip6f(l.mac6, ip6(nodeLL, vrrp6, 112, 255, advert(3, vrid, 0))), "always"},
		{"advert of another router", ip(nodeMAC, ip4(node4, vrrp4, 112, nil, advert(3, 99, 100))), "always"},
		{"UDP in a VLAN", tagged(7, ip(l.mac4, ip4(vip4, client4, 17, nil, udp("x")))), "always"},
		{"UDP with a priority tag", tagged(0x6000, ip(l.mac4, ip4(vip4, client4, 17, nil, udp("x")))), "served"},
	}
}

// ingress is what arrives. What TestAnswersOnlyWhileHeld asks is not here.
func (l *lab) ingress() []rule {
	mac4 := "always"
	if l.virtual {
		mac4 = "served"
	}
	ip := func(dst mac, p []byte) []byte { return ether(dst, clientMAC, 0x0800, p) }
	return []rule{
		{"ARP request", arpRequest(clientMAC, client4, vip4), "announced"},
		{"ARP probe", arpRequest(clientMAC, netip.IPv4Unspecified(), vip4), "announced"},
		{"ARP announcement of another node", arpRequest(foreignMAC, vip4, vip4), "always"},
		{"ARP request for the node", arpRequest(clientMAC, client4, node4), "always"},
		{"ARP reply to the MAC", arpReply(l.mac4, clientMAC, client4, vip4), mac4},
		{"ARP, truncated", arpRequest(clientMAC, client4, vip4)[:40], "always"},
		{"solicitation", nsFrame(clientMAC, client6, vip6), "announced"},
		{"duplicate address detection", nsFrame(clientMAC, nobody6, vip6), "announced"},
		{"advertisement of another node", naFrame(multicastMAC6(allNodes), foreignMAC, vip6, allNodes, vip6), "always"},
		{"fragment", ip(l.mac4, func() []byte {
			p := ip4(client4, vip4, 17, nil, udp("x"))
			p[6], p[7] = 0x20, 3
			return p
		}()), "served"},
		{"fragment of IPv6", ether(l.mac6, clientMAC, 0x86dd, ip6(client6, vip6, 44, 64, cat(fragment(58, 5), make([]byte, 24)))), "served"},
		{"advert of a peer", ether(mac{1, 0, 0x5e, 0, 0, 18}, foreignMAC, 0x0800, ip4(other4, vrrp4, 112, nil, advert(3, vrid, 100))), "always"},
		{"transit to the MAC", ip(l.mac4, ip4(client4, other4, 17, nil, udp("x"))), mac4},
		{"UDP to another host", ip(clientMAC, ip4(node4, other4, 17, nil, udp("x"))), "always"},
		{"UDP in a VLAN", tagged(7, ip(l.mac4, ip4(client4, vip4, 17, nil, udp("x")))), "always"},
		{"UDP with two priority tags", tagged(0, tagged(0, ip(l.mac4, ip4(client4, vip4, 17, nil, udp("x"))))), "served"},
	}
}

// TestWhatLeaves sends frames by a packet socket of the node: the kernel says
// to the sender what became of them, and the client sees it.
func TestWhatLeaves(t *testing.T) {
	for _, m := range modes {
		t.Run(m.name, func(t *testing.T) {
			l := newLab(t, m)
			l.open()
			l.guard()
			for _, h := range holds {
				l.set(h)
				for _, r := range l.egress() {
					l.there.clear()
					_, err := unix.Write(l.here.fd, r.frame)
					if dropped := errors.Is(err, unix.ENOBUFS); dropped == r.passes(h) || err != nil && !dropped {
						t.Errorf("%s, hold %+v: dropped %v (%v), want it to pass: %v", r.name, h, dropped, err, r.passes(h))
					}
					if err == nil {
						eventually(t, r.name+" arrives", func() bool { return l.there.has(func(f []byte) bool { return string(f[:6]) == string(r.frame[:6]) }) })
					} else if n := len(l.there.seen()); n > 0 && l.there.has(func(f []byte) bool { return string(f) == string(r.frame) }) {
						t.Errorf("%s, hold %+v: it was dropped and came", r.name, h)
					}
				}
			}
		})
	}
}

// TestWhatArrives asks the programs and the model.
func TestWhatArrives(t *testing.T) {
	for _, virtual := range []bool{false, true} {
		t.Run(fmt.Sprintf("virtual %v", virtual), func(t *testing.T) {
			b := newBench(t, virtual)
			for _, h := range holds {
				b.hold(h)
				for _, r := range b.ingress() {
					b.same(in, r.frame)
					if o := b.model.judge(in, r.frame); o.Drop == r.passes(h) {
						t.Errorf("%s, hold %+v: dropped %v, want it to pass: %v", r.name, h, o.Drop, r.passes(h))
					}
				}
			}
		})
	}
}

// TestSightingsAreLimited floods: no more than ten a second may be told of one
// address, and the rest is counted.
func TestSightingsAreLimited(t *testing.T) {
	b := newBench(t, false)
	const flood = 1000
	for range flood {
		b.judge(in, arpRequest(foreignMAC, vip4, vip4))
	}
	told := b.glimpses(1)
	untold := b.gate.Counters(b.slot4).Untold
	if len(told) > 40 || untold < flood/2 {
		t.Errorf("%d sightings were told and %d not, of %d: want about ten", len(told), untold, flood)
	}
	if told[0] != (glimpse{ARPClaim, vip4, foreignMAC}) {
		t.Errorf("told %v, want an ARP claim by %x", told[0], foreignMAC)
	}
}
