package gate

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/engine"
)

// question is a frame of the client, and how the node answers it while it may.
type question struct {
	name    string
	frame   []byte
	answer  func(frame []byte) bool
	door    string // announced or served
	dropped func(*lab) uint64
}

func (l *lab) questions() []question {
	group, groupMAC := solicitedNode(vip6)
	_ = group
	return []question{
		{
			"ARP request", arpRequest(clientMAC, client4, vip4),
			func(f []byte) bool {
				return len(f) >= 42 && bytes.Equal(f[12:14], be16(0x0806)) && f[21] == 2 && bytes.Equal(f[28:32], vip4.AsSlice())
			},
			"announced", func(l *lab) uint64 { return l.gate.Counters(l.slot4).ARPIn },
		},
		{
			"ARP request, unicast", ether(l.mac4, clientMAC, 0x0806, arp(1, clientMAC, client4, noMAC, vip4)),
			func(f []byte) bool {
				return len(f) >= 42 && bytes.Equal(f[12:14], be16(0x0806)) && f[21] == 2 && bytes.Equal(f[28:32], vip4.AsSlice())
			},
			"announced", func(l *lab) uint64 { return l.gate.Counters(l.slot4).ARPIn },
		},
		{
			"solicitation", nsFrame(clientMAC, client6, vip6), isAdvertisement,
			"announced", func(l *lab) uint64 { return l.gate.Counters(l.slot6).NDIn },
		},
		{
			"solicitation, unicast", ether(l.mac6, clientMAC, 0x86dd, ip6(client6, vip6, 58, 255, solicit(client6, vip6, vip6, clientMAC))), isAdvertisement,
			"announced", func(l *lab) uint64 { return l.gate.Counters(l.slot6).NDIn },
		},
		{
			"solicitation behind destination options", ether(groupMAC, clientMAC, 0x86dd,
				ip6(client6, group, 60, 255, cat(destOptions(58), solicit(client6, group, vip6, clientMAC)))), isAdvertisement,
			"announced", func(l *lab) uint64 { return l.gate.Counters(l.slot6).NDIn },
		},
		{
			"ping", ether(l.mac4, clientMAC, 0x0800, ip4(client4, vip4, 1, nil, echo4(8, 7))),
			func(f []byte) bool {
				return len(f) >= 42 && bytes.Equal(f[12:14], be16(0x0800)) && f[23] == 1 && f[34] == 0 && bytes.Equal(f[26:30], vip4.AsSlice())
			},
			"served", func(l *lab) uint64 { return l.gate.Counters(l.slot4).PacketIn },
		},
		{
			"ping with IP options", ether(l.mac4, clientMAC, 0x0800, ip4(client4, vip4, 1, []byte{1, 1, 1, 0}, echo4(8, 7))),
			func(f []byte) bool {
				return len(f) >= 46 && bytes.Equal(f[12:14], be16(0x0800)) && f[23] == 1 && f[38] == 0 && bytes.Equal(f[26:30], vip4.AsSlice())
			},
			"served", func(l *lab) uint64 { return l.gate.Counters(l.slot4).PacketIn },
		},
		{
			"ping of IPv6", ether(l.mac6, clientMAC, 0x86dd, ip6(client6, vip6, 58, 64, echo6(client6, vip6, 128, 7))),
			func(f []byte) bool {
				return len(f) >= 62 && bytes.Equal(f[12:14], be16(0x86dd)) && f[20] == 58 && f[54] == 129 && bytes.Equal(f[22:38], vip6.AsSlice())
			},
			"served", func(l *lab) uint64 { return l.gate.Counters(l.slot6).PacketIn },
		},
	}
}

func isAdvertisement(f []byte) bool {
	return len(f) >= 78 && bytes.Equal(f[12:14], be16(0x86dd)) && f[20] == 58 && f[54] == 136 && bytes.Equal(f[62:78], vip6.AsSlice())
}

// answered asks until there is an answer.
func (l *lab) answered(q question) {
	l.Helper()
	l.there.clear()
	eventually(l, q.name+" is answered", func() bool {
		l.there.send(l, q.frame)
		for range 20 {
			if l.there.has(q.answer) {
				return true
			}
			time.Sleep(time.Millisecond)
		}
		return false
	})
}

// refused asks until the gate has said that it dropped the question.
func (l *lab) refused(q question) {
	l.Helper()
	dropped := func() uint64 { return q.dropped(l) }
	if l.line == Nftables {
		dropped = l.nftDropped
	}
	before := dropped()
	l.there.clear()
	l.there.send(l, q.frame)
	eventually(l, q.name+" is dropped", func() bool { return dropped() > before })
	if l.there.has(q.answer) {
		l.Fatalf("%s was answered", q.name)
	}
}

// nftDropped is what the rules of the second line have dropped.
func (l *lab) nftDropped() (n uint64) {
	l.Helper()
	conn, err := nftables.New()
	must(l, err)
	for family := range nftFamilies {
		t := &nftables.Table{Name: nftTable, Family: family}
		for _, chain := range []string{"in", "out"} {
			rules, err := conn.GetRules(t, &nftables.Chain{Name: chain, Table: t})
			must(l, err)
			for _, r := range rules {
				for _, e := range r.Exprs {
					if c, ok := e.(*expr.Counter); ok {
						n += c.Packets
					}
				}
			}
		}
	}
	return n
}

// neighbours tells the node the client's MAC: it shall not have to ask.
func (l *lab) neighbours() {
	l.Helper()
	links, err := netlink.LinkList()
	must(l, err)
	for _, e := range links {
		if e.Attrs().Name == "lo" {
			continue
		}
		for _, a := range []netip.Addr{client4, client6} {
			err := netlink.NeighSet(&netlink.Neigh{
				LinkIndex: e.Attrs().Index, IP: a.AsSlice(), HardwareAddr: net.HardwareAddr(clientMAC[:]), State: netlink.NUD_PERMANENT,
			})
			if a.Is6() && errors.Is(err, unix.EINVAL) {
				continue // a macvlan without IPv6
			}
			must(l, err)
		}
	}
}

func TestAnswersOnlyWhileHeld(t *testing.T) {
	for _, m := range append(modes, mode{"nftables physical", Nftables, false}, mode{"nftables virtual", Nftables, true}) {
		t.Run(m.name, func(t *testing.T) {
			l := newLab(t, m)
			l.open()
			l.guard()
			l.install()
			l.neighbours()
			for _, c := range []struct {
				name  string
				hold  engine.Hold
				doors map[string]bool
			}{
				{"never opened", engine.Hold{}, nil},
				{"open", wideOpen, map[string]bool{"announced": true, "served": true}},
				{"served", engine.Hold{Served: forever}, map[string]bool{"served": true}},
				{"announced", engine.Hold{Announced: forever}, map[string]bool{"announced": true}},
				{"advertised", engine.Hold{Advertised: forever}, nil},
				{"over", engine.Hold{Announced: l.gate.Now(), Served: l.gate.Now()}, nil},
			} {
				l.set(c.hold)
				for _, q := range l.questions() {
					answerOpen := c.doors["announced"]
					if q.door == "served" {
						answerOpen = c.doors["served"]
					}
					if answerOpen {
						l.answered(q)
					} else {
						l.refused(q)
					}
				}
			}
		})
	}
}
