package hands

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/nftables"
	"github.com/vishvananda/netlink"

	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/linux/address"
	"github.com/holdfast-net/holdfast/internal/linux/filter"
	"github.com/holdfast-net/holdfast/internal/linux/macvlan"
	"github.com/holdfast-net/holdfast/internal/linux/rtnl"
	"github.com/holdfast-net/holdfast/vrrp"
)

// machine is what of the kernel's state the hands may change.
type machine struct {
	Interfaces []string // by name, but for lo
	Addresses  []string // of all interfaces, but for link-local ones the kernel made
	Tables     []string
	Settings   map[string]string
}

func snapshot(t *testing.T) machine {
	t.Helper()
	m := machine{Settings: map[string]string{}}
	links, err := netlink.LinkList()
	must(t, err)
	names := map[int]string{}
	for _, l := range links {
		names[l.Attrs().Index] = l.Attrs().Name
		if l.Attrs().Name != "lo" {
			m.Interfaces = append(m.Interfaces, l.Attrs().Name)
		}
	}
	conn, err := rtnl.Dial()
	must(t, err)
	defer conn.Close()
	list, err := address.List(conn, 0)
	must(t, err)
	for _, e := range list {
		if e.Proto != 3 && names[e.Index] != "lo" { // 3: IFAPROT_KERNEL_LL
			m.Addresses = append(m.Addresses, names[e.Index]+" "+e.Prefix.String())
		}
	}
	slices.Sort(m.Addresses)
	nft, err := nftables.New()
	must(t, err)
	tables, err := nft.ListTables()
	must(t, err)
	for _, table := range tables {
		m.Tables = append(m.Tables, table.Name)
	}
	for _, name := range []string{"arp_ignore", "arp_announce", "arp_filter", "rp_filter", "promote_secondaries", "forwarding"} {
		m.Settings[name] = setting(t, "ipv4", nodeIf, name)
	}
	return m
}

func setting(t *testing.T, family, ifname, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("/proc/sys/net", family, "conf", ifname, name))
	must(t, err)
	return strings.TrimSpace(string(b))
}

func set(t *testing.T, family, ifname, name, value string) {
	t.Helper()
	must(t, os.WriteFile(filepath.Join("/proc/sys/net", family, "conf", ifname, name), []byte(value), 0o644))
}

// TestNothingIsLeft runs two groups of both families through everything and
// compares the machine before and after.
func TestNothingIsLeft(t *testing.T) {
	for _, mac := range []engine.MACMode{engine.MACVirtual, engine.MACPhysical} {
		for _, last := range []engine.OpKind{engine.OpInstall, engine.OpRemove, engine.OpPrepare} {
			l := newLAN(t)
			before := snapshot(t)
			r := newRig(t)
			var ops []engine.Op
			for vrid := range uint8(2) {
				for _, addrs := range [][]string{{"192.0.2.10/24", "198.18.0.1/24"}, {"fe80::10/64", "2001:db8::10/64"}} {
					op := order(mac, addrs...)
					op.VRID += vrid
					op.Drop = vrid == 1
					for i, p := range op.Addresses {
						b := p.Addr().AsSlice()
						b[len(b)-1] += 10 * vrid
						a, _ := netip.AddrFromSlice(b)
						op.Addresses[i] = netip.PrefixFrom(a, p.Bits())
					}
					ops = append(ops, op)
				}
			}
			for _, kind := range []engine.OpKind{engine.OpPrepare, engine.OpInstall, last, engine.OpDiscard} {
				for _, op := range ops {
					r.ok(op, kind)
				}
			}
			r.close()
			if diff := cmp.Diff(before, snapshot(t)); diff != "" {
				t.Errorf("MAC mode %d, discarded after order %d: before and after differ (-before +after):\n%s", mac, last, diff)
			}
			l.expect(node4.Addr(), "at the end", l.nodeMAC().String())
			l.tearDown()
		}
	}
}

// TestSettings looks at what a virtual MAC needs, on both interfaces, and that
// what was there before comes back with the last group, no matter which.
func TestSettings(t *testing.T) {
	newLAN(t)
	set(t, "ipv4", nodeIf, "arp_announce", "1")
	set(t, "ipv4", nodeIf, "promote_secondaries", "1")
	set(t, "ipv4", nodeIf, "forwarding", "1")
	set(t, "ipv6", nodeIf, "forwarding", "1")
	before := snapshot(t)
	r := newRig(t)
	four, six := order(engine.MACVirtual, "192.0.2.10/24"), order(engine.MACVirtual, "2001:db8::10/64")
	plain := order(engine.MACPhysical, "192.0.2.11/24")
	plain.VRID = 52
	r.ok(four, engine.OpPrepare)
	r.ok(plain, engine.OpPrepare)
	r.ok(six, engine.OpPrepare)

	got := map[string]string{}
	for _, c := range []struct{ family, ifname, name string }{
		{"ipv4", "hf4", "arp_ignore"},
		{"ipv4", "hf4", "arp_announce"},
		{"ipv4", "hf4", "rp_filter"},
		{"ipv4", "hf4", "promote_secondaries"},
		{"ipv4", "hf4", "forwarding"},
		{"ipv6", "hf4", "disable_ipv6"},
		{"ipv4", "hf6", "arp_ignore"},
		{"ipv6", "hf6", "disable_ipv6"},
		{"ipv6", "hf6", "accept_ra"},
		{"ipv6", "hf6", "autoconf"},
		{"ipv6", "hf6", "addr_gen_mode"},
		{"ipv6", "hf6", "forwarding"},
		{"ipv4", nodeIf, "arp_ignore"},
		{"ipv4", nodeIf, "arp_announce"},
		{"ipv4", nodeIf, "promote_secondaries"},
	} {
		ifname := c.ifname
		switch c.ifname {
		case "hf4":
			ifname = macvlan.Name(vrrp.IPv4, index(t, nodeIf), 51)
		case "hf6":
			ifname = macvlan.Name(vrrp.IPv6, index(t, nodeIf), 51)
		}
		got[c.ifname+" "+c.name] = setting(t, c.family, ifname, c.name)
	}
	want := map[string]string{
		"hf4 arp_ignore": "1", "hf4 arp_announce": "2", "hf4 rp_filter": "2", "hf4 promote_secondaries": "1",
		"hf4 forwarding": "1", "hf4 disable_ipv6": "1",
		"hf6 arp_ignore": "1", "hf6 disable_ipv6": "0", "hf6 accept_ra": "0", "hf6 autoconf": "0",
		"hf6 addr_gen_mode": "1", "hf6 forwarding": "1",
		"eth0 arp_ignore": "1", "eth0 arp_announce": "2", "eth0 promote_secondaries": "1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	r.ok(four, engine.OpDiscard)
	if got := setting(t, "ipv4", nodeIf, "arp_ignore"); got != "0" {
		t.Errorf("arp_ignore is %s after the last virtual MAC left, want 0", got)
	}
	if got := setting(t, "ipv4", nodeIf, "arp_announce"); got != "2" {
		t.Errorf("arp_announce is %s while a group is there, want 2", got)
	}
	r.ok(six, engine.OpDiscard)
	r.ok(plain, engine.OpDiscard)
	r.close()
	if diff := cmp.Diff(before, snapshot(t)); diff != "" {
		t.Errorf("before and after differ (-before +after):\n%s", diff)
	}
}

// TestSettingsOfOthersStay changes one while holdfast has it: that is what the
// administrator wants from then on.
func TestSettingsOfOthersStay(t *testing.T) {
	newLAN(t)
	r := newRig(t)
	op := order(engine.MACVirtual, "192.0.2.10/24")
	r.ok(op, engine.OpPrepare)
	set(t, "ipv4", nodeIf, "arp_ignore", "2")
	r.ok(op, engine.OpDiscard)
	if got := setting(t, "ipv4", nodeIf, "arp_ignore"); got != "2" {
		t.Errorf("arp_ignore is %s, want the administrator's 2", got)
	}
}

func index(t *testing.T, ifname string) int {
	t.Helper()
	e, err := net.InterfaceByName(ifname)
	must(t, err)
	return e.Index
}

// TestPrepareRemovesLeftovers starts where an earlier run, perhaps of another
// program, left the group's own addresses.
func TestPrepareRemovesLeftovers(t *testing.T) {
	l := newLAN(t)
	e, err := netlink.LinkByName(nodeIf)
	must(t, err)
	for _, a := range []string{"192.0.2.10/32", "2001:db8::10/64"} {
		must(t, netlink.AddrAdd(e, &netlink.Addr{IPNet: ipnet(netip.MustParsePrefix(a))}))
	}
	r := newRig(t)
	four, six := order(engine.MACAuto, "192.0.2.10/24"), order(engine.MACAuto, "2001:db8::10/64")
	for _, op := range []engine.Op{four, six} {
		a := op.Addresses[0].Addr()
		l.expect(a, "before", l.nodeMAC().String())
		res := r.ok(op, engine.OpPrepare)
		if len(res.Notes) != 1 || !strings.Contains(res.Notes[0], "removed "+a.String()) {
			t.Errorf("notes %q, want that %s was removed", res.Notes, a)
		}
		l.expect(a, "prepared")
	}
}

// TestOwner keeps what was there, and removes what was not.
func TestOwner(t *testing.T) {
	l := newLAN(t)
	r := newRig(t)
	op := order(engine.MACAuto, "192.0.2.1/24", "192.0.2.10/24")
	op.Owner = true
	res := r.ok(op, engine.OpPrepare)
	if res.Virtual || !strings.Contains(res.Why, "192.0.2.1 itself") || len(res.Notes) > 0 {
		t.Errorf("virtual %v because %q, notes %q; want the physical MAC and why", res.Virtual, res.Why, res.Notes)
	}
	r.ok(op, engine.OpInstall)
	l.expect(op.Addresses[0].Addr(), "installed", l.nodeMAC().String())
	l.expect(op.Addresses[1].Addr(), "installed", l.nodeMAC().String())
	r.ok(op, engine.OpRemove)
	l.expect(op.Addresses[0].Addr(), "removed", l.nodeMAC().String())
	l.expect(op.Addresses[1].Addr(), "removed")
	r.ok(op, engine.OpInstall)
	r.ok(op, engine.OpDiscard)
	l.expect(op.Addresses[0].Addr(), "discarded", l.nodeMAC().String())
	l.expect(op.Addresses[1].Addr(), "discarded")
}

// TestOwnAddressIsNotTaken refuses to take the node's only address for a VIP.
func TestOwnAddressIsNotTaken(t *testing.T) {
	l := newLAN(t)
	r := newRig(t)
	op := order(engine.MACAuto, "192.0.2.1/24")
	op.Kind = engine.OpPrepare
	if res := r.do(op); res.Err == nil || !strings.Contains(res.Err.Error(), "priority 255") {
		t.Errorf("error %v, want one that names priority 255", res.Err)
	}
	l.expect(node4.Addr(), "afterwards", l.nodeMAC().String())
}

// TestForeignTableIsReplaced starts on a table that a killed run left.
func TestForeignTableIsReplaced(t *testing.T) {
	l := newLAN(t)
	mine, other := order(engine.MACPhysical, "192.0.2.10/24"), order(engine.MACPhysical, "192.0.2.11/24")
	other.VRID++
	mine.Drop = true
	must(t, filter.New().Close(map[string][]filter.Key{"x": {{Addr: other.Addresses[0].Addr()}}}))
	r := newRig(t)
	for _, op := range []engine.Op{mine, other} {
		r.ok(op, engine.OpPrepare)
		r.ok(op, engine.OpInstall)
	}
	l.wantServed(mine.Addresses[0].Addr(), l.nodeMAC(), "closed now", false)
	l.wantServed(other.Addresses[0].Addr(), l.nodeMAC(), "closed by the earlier run", true)
	r.ok(mine, engine.OpDiscard)
	r.ok(other, engine.OpDiscard)
}
