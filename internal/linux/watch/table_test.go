package watch

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/engine"
)

const upFlags = unix.IFF_UP | unix.IFF_LOWER_UP | unix.IFF_RUNNING

var (
	compare = cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })

	own  = netip.MustParsePrefix("192.0.2.1/24")
	own2 = netip.MustParsePrefix("198.51.100.1/24")
	vip  = netip.MustParsePrefix("192.0.2.100/24")
	own6 = netip.MustParsePrefix("fe80::1/64")
	vip6 = netip.MustParsePrefix("2001:db8::100/64")
)

// eth0 is index 2 and up with an address; vrrp.51 is a macvlan on it with two
// of ours.
func usual() table {
	t := newTable()
	t.setLink(link{index: 2, name: "eth0", mtu: 1500, flags: upFlags})
	t.setAddr(2, addr{prefix: own})
	t.setLink(link{index: 3, name: "vrrp.51", mtu: 1500, flags: upFlags, parent: 2, macvlan: true})
	t.setAddr(3, addr{prefix: vip, ours: true})
	t.setAddr(3, addr{prefix: vip6, ours: true})
	return t
}

func eth0(addrs ...netip.Prefix) engine.Link {
	return engine.Link{Name: "eth0", Index: 2, MTU: 1500, Up: true, Addresses: addrs}
}

func vmac() engine.Link {
	return engine.Link{Name: "vrrp.51", Index: 3, MTU: 1500, Up: true}
}

func list(p ...netip.Prefix) []netip.Prefix { return p }

func down(l engine.Link, why string) engine.Link {
	l.Up, l.Why = false, why
	return l
}

func TestTable(t *testing.T) {
	for _, test := range []struct {
		name string
		do   func(t *table) []engine.Change
		want []engine.Change
	}{
		{
			"nothing new is no news",
			func(t *table) []engine.Change {
				return append(t.setLink(link{index: 2, name: "eth0", mtu: 1500, flags: upFlags}), t.setAddr(2, addr{prefix: own})...)
			}, nil,
		},
		{
			"carrier lost",
			func(t *table) []engine.Change {
				return t.setLink(link{index: 2, name: "eth0", mtu: 1500, flags: unix.IFF_UP, oper: 2})
			},
			[]engine.Change{{Link: down(eth0(own), "no carrier")}},
		},
		{
			"set down",
			func(t *table) []engine.Change { return t.setLink(link{index: 2, name: "eth0", mtu: 1500}) },
			[]engine.Change{{Link: down(eth0(own), "down")}},
		},
		{
			"dormant",
			func(t *table) []engine.Change {
				return t.setLink(link{index: 2, name: "eth0", mtu: 1500, flags: unix.IFF_UP | unix.IFF_LOWER_UP, oper: operDormant})
			},
			[]engine.Change{{Link: down(eth0(own), "dormant: waiting, for instance for 802.1X")}},
		},
		{
			"an address of the interface",
			func(t *table) []engine.Change { return t.setAddr(2, addr{prefix: own2}) },
			[]engine.Change{{Link: eth0(own, own2)}},
		},
		{
			"a new primary address goes before secondary ones",
			func(t *table) []engine.Change {
				t.setAddr(2, addr{prefix: vip, flags: unix.IFA_F_SECONDARY})
				return t.setAddr(2, addr{prefix: own2})
			},
			[]engine.Change{{Link: eth0(own, own2, vip)}},
		},
		{
			"our address is no address of the interface",
			func(t *table) []engine.Change { return t.setAddr(2, addr{prefix: vip, ours: true}) },
			nil,
		},
		{
			"a tentative address appears when it is usable",
			func(t *table) []engine.Change {
				out := t.setAddr(2, addr{prefix: own6, flags: unix.IFA_F_TENTATIVE})
				return append(out, t.setAddr(2, addr{prefix: own6})...)
			},
			[]engine.Change{{Link: eth0(own, own6)}},
		},
		{
			"an optimistic address is usable",
			func(t *table) []engine.Change {
				return t.setAddr(2, addr{prefix: own6, flags: unix.IFA_F_TENTATIVE | unix.IFA_F_OPTIMISTIC})
			},
			[]engine.Change{{Link: eth0(own, own6)}},
		},
		{
			"duplicate address detection failed, told once",
			func(t *table) []engine.Change {
				t.setAddr(2, addr{prefix: own6})
				bad := addr{prefix: own6, flags: unix.IFA_F_TENTATIVE | unix.IFA_F_DADFAILED}
				return append(t.setAddr(2, bad), t.setAddr(2, bad)...)
			},
			[]engine.Change{{Link: eth0(own), Failed: list(own6)}},
		},
		{
			"our address was taken off the interface",
			func(t *table) []engine.Change {
				t.setAddr(2, addr{prefix: vip, ours: true})
				return t.dropAddr(2, addr{prefix: vip})
			},
			[]engine.Change{{Link: eth0(own), Lost: list(vip)}},
		},
		{
			"our address was taken off the macvlan",
			func(t *table) []engine.Change { return t.dropAddr(3, addr{prefix: vip}) },
			[]engine.Change{{Link: vmac(), Lost: list(vip)}, {Link: eth0(own), Lost: list(vip)}},
		},
		{
			"our address failed duplicate address detection on the macvlan",
			func(t *table) []engine.Change {
				return t.setAddr(3, addr{prefix: vip6, ours: true, flags: unix.IFA_F_TENTATIVE | unix.IFA_F_DADFAILED})
			},
			[]engine.Change{{Link: vmac(), Failed: list(vip6)}, {Link: eth0(own), Failed: list(vip6)}},
		},
		{
			"the macvlan was set down",
			func(t *table) []engine.Change {
				return t.setLink(link{index: 3, name: "vrrp.51", mtu: 1500, parent: 2, macvlan: true})
			},
			[]engine.Change{{Link: down(vmac(), "down"), Lost: list(vip, vip6)}, {Link: eth0(own), Lost: list(vip, vip6)}},
		},
		{
			"the macvlan was deleted",
			func(t *table) []engine.Change { return t.dropLink(3) },
			[]engine.Change{
				{Link: down(vmac(), "gone"), Gone: true, Lost: list(vip, vip6)},
				{Link: eth0(own), Lost: list(vip, vip6)},
			},
		},
		{
			"the interface was deleted and made anew",
			func(t *table) []engine.Change {
				out := t.dropLink(2)
				out = append(out, t.setLink(link{index: 7, name: "eth0", mtu: 9000, flags: upFlags})...)
				return append(out, t.dropLink(2)...)
			},
			[]engine.Change{
				{Link: engine.Link{Name: "eth0", Index: 2, MTU: 1500, Why: "gone"}, Gone: true, Lost: list(own)},
				{Link: engine.Link{Name: "eth0", Index: 7, MTU: 9000, Up: true}},
			},
		},
		{
			"the interface was renamed",
			func(t *table) []engine.Change {
				return t.setLink(link{index: 2, name: "lan0", mtu: 1500, flags: upFlags})
			},
			[]engine.Change{
				{Link: engine.Link{Name: "eth0", Index: 2, MTU: 1500, Why: "gone"}, Gone: true, Lost: list(own)},
				{Link: engine.Link{Name: "lan0", Index: 2, MTU: 1500, Up: true, Addresses: list(own)}},
			},
		},
		{
			"missed: the interface is another one, the macvlan is gone",
			func(t *table) []engine.Change {
				fresh := newTable()
				fresh.setLink(link{index: 9, name: "eth0", mtu: 1500, flags: upFlags})
				return t.replace(fresh)
			},
			[]engine.Change{
				{Link: engine.Link{Name: "eth0", Index: 2, MTU: 1500, Why: "gone"}, Gone: true, Lost: list(own)},
				{Link: down(vmac(), "gone"), Gone: true, Lost: list(vip, vip6)},
				{Link: engine.Link{Name: "eth0", Index: 9, MTU: 1500, Up: true}},
			},
		},
		{
			"missed: addresses came and went",
			func(t *table) []engine.Change {
				fresh := usual()
				fresh.dropAddr(2, addr{prefix: own})
				fresh.setAddr(2, addr{prefix: own2})
				fresh.dropAddr(3, addr{prefix: vip6})
				return t.replace(fresh)
			},
			[]engine.Change{
				{Link: eth0(), Lost: list(own)},
				{Link: eth0(own2)},
				{Link: vmac(), Lost: list(vip6)},
				{Link: eth0(own2), Lost: list(vip6)},
			},
		},
		{
			"missed: nothing",
			func(t *table) []engine.Change { return t.replace(usual()) }, nil,
		},
		{
			"news of an unknown link",
			func(t *table) []engine.Change {
				out := t.setAddr(77, addr{prefix: own})
				out = append(out, t.dropAddr(77, addr{prefix: own})...)
				out = append(out, t.dropAddr(2, addr{prefix: own2})...)
				return append(out, t.dropLink(77)...)
			}, nil,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			table := usual()
			if diff := cmp.Diff(test.want, test.do(&table), compare); diff != "" {
				t.Errorf("changes (-want +got)\n%s", diff)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add(uint16(unix.RTM_NEWLINK), make([]byte, 40))
	f.Add(uint16(unix.RTM_NEWADDR), []byte{2, 24, 0, 0, 2, 0, 0, 0, 8, 0, 2, 0, 192, 0, 2, 1})
	f.Add(uint16(unix.RTM_NEWADDR), []byte{2, 255, 0, 0, 2, 0, 0, 0, 8, 0, 2, 0, 192, 0, 2, 1})
	f.Add(uint16(unix.RTM_NEWLINK), []byte{
		0, 0, 1, 0, 9, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 8, 0, 3, 0, 'l', 'o', 0, 0, 5, 0, 16, 0, 6, 0, 0, 0,
	})
	f.Fuzz(func(t *testing.T, kind uint16, body []byte) {
		table := usual()
		for _, c := range table.parse(kind, body) {
			if c.Link.Name == "" || c.Link.Index <= 0 {
				t.Errorf("a change of nothing: %+v", c)
			}
			for _, p := range append(c.Lost, c.Failed...) {
				if !p.IsValid() {
					t.Errorf("an invalid address in %+v", c)
				}
			}
		}
	})
}
