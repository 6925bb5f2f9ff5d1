package hands

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/linux/macvlan"
	"github.com/holdfast-net/holdfast/internal/linux/probe"
)

// TestProbe spoils the settings of a virtual MAC one at a time and looks
// whether the probe notices, and that it finds nothing else.
func TestProbe(t *testing.T) {
	for _, c := range []struct {
		name, addr, ifname, setting, value string
		want                               []string
	}{
		{"IPv4 as it should be", "192.0.2.10/24", "", "", "", nil},
		{"IPv6 as it should be", "2001:db8::10/64", "", "", "", nil},
		{"in a subnet of its own", "198.18.0.10/24", "", "", "", nil},
		{"the arp_announce leak", "192.0.2.10/24", nodeIf, "arp_announce", "0", []string{
			"net.ipv4.conf.eth0.arp_announce was set back to 0: the node may ask its neighbours for 192.0.2.10 with its own MAC",
			"the node asks its neighbours for 192.0.2.10 with the MAC PHYSICAL instead of 00:00:5e:00:01:33",
		}},
		{"the physical MAC answers", "192.0.2.10/24", nodeIf, "arp_ignore", "0", []string{
			"net.ipv4.conf.eth0.arp_ignore was set back to 0: the node answers for 192.0.2.10 with its own MAC too",
		}},
		{"nobody answers", "192.0.2.10/24", "all", "arp_filter", "1", []string{
			"arp_filter is on: nobody answers for 192.0.2.10",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, r := newLAN(t), newRig(t)
			r.hands.checks.first = time.Hour // or it mends what we spoil
			op := order(engine.MACVirtual, c.addr)
			r.ok(op, engine.OpPrepare)
			r.ok(op, engine.OpInstall)
			if c.setting != "" {
				set(t, "ipv4", c.ifname, c.setting, c.value)
			}
			if c.ifname == "all" {
				t.Cleanup(func() { set(t, "ipv4", c.ifname, c.setting, "0") })
			}
			target := probe.Target{
				Ifname: nodeIf, Parent: index(t, nodeIf), Macvlan: index(t, macvlan.Name(op.Family, index(t, nodeIf), op.VRID)),
				MAC: macvlan.MAC(op.Family, op.VRID), Address: op.Addresses[0],
			}
			wrong, err := probe.Settings(target)
			must(t, err)
			f, err := probe.Verify(t.Context(), target)
			must(t, err)
			if !f.Asked {
				t.Error("the probe saw no question at all")
			}
			wrong = append(wrong, f.Wrong...)
			for i := range wrong {
				wrong[i] = strings.ReplaceAll(wrong[i], l.nodeMAC().String(), "PHYSICAL")
			}
			if diff := cmp.Diff(c.want, wrong); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			r.ok(op, engine.OpDiscard)
		})
	}
}

// watched are Hands that look often, and what they report.
func watched(t *testing.T) (*rig, func(want string)) {
	t.Helper()
	reports := make(chan string, 1000)
	r := newRigWith(t, openGate(t), Config{Report: func(ifname, text string) { reports <- ifname + ": " + text }})
	r.hands.checks.pace = pace{first: 10 * time.Millisecond, again: 50 * time.Millisecond, every: 100 * time.Millisecond}
	return r, func(want string) {
		t.Helper()
		var got []string
		for end := time.After(grace); ; {
			select {
			case text := <-reports:
				if strings.Contains(text, want) {
					return
				}
				got = append(got, text)
			case <-end:
				t.Fatalf("reported %q, want %q", got, want)
			}
		}
	}
}

// TestChecksAndMends lets the Hands find out by themselves what somebody
// changed while they hold an address, say so, and put it right.
func TestChecksAndMends(t *testing.T) {
	l := newLAN(t)
	r, reported := watched(t)
	op := order(engine.MACVirtual, "192.0.2.10/24")
	r.ok(op, engine.OpPrepare)
	r.ok(op, engine.OpInstall)
	for _, c := range []struct{ name, text string }{
		{"arp_announce", "eth0: net.ipv4.conf.eth0.arp_announce was changed to 0 by somebody else: set to 2 again"},
		{"arp_ignore", "eth0: net.ipv4.conf.eth0.arp_ignore was changed to 0 by somebody else: set to 1 again"},
	} {
		set(t, "ipv4", nodeIf, c.name, "0")
		reported("eth0: net.ipv4.conf.eth0." + c.name + " was set back to 0: the node ")
		reported(c.text)
	}
	mac := macvlan.MAC(op.Family, op.VRID)
	l.expect(op.Addresses[0].Addr(), "mended", net.HardwareAddr(mac[:]).String())

	// What cannot be put right is said for as long as it lasts.
	set(t, "ipv4", "all", "arp_filter", "1")
	t.Cleanup(func() { set(t, "ipv4", "all", "arp_filter", "0") })
	for range 3 {
		reported("eth0: arp_filter is on: nobody answers for 192.0.2.10")
	}
	r.ok(op, engine.OpDiscard)
	if n := setting(t, "ipv4", nodeIf, "arp_ignore"); n != "0" {
		t.Errorf("arp_ignore is %s in the end, want 0 as before", n)
	}
}

// TestChecksFollowWhatIsOn looks at what is checked while groups come and go.
func TestChecksFollowWhatIsOn(t *testing.T) {
	newLAN(t)
	r, _ := watched(t)
	four, six := order(engine.MACVirtual, "192.0.2.10/24"), order(engine.MACVirtual, "fe80::10/64", "2001:db8::10/64")
	plain, local := order(engine.MACPhysical, "192.0.2.11/24"), order(engine.MACVirtual, "fe80::11/64")
	plain.VRID, local.VRID = 52, 53
	at := func(want string) {
		t.Helper()
		c := r.hands.checks
		c.mu.Lock()
		defer c.mu.Unlock()
		got := "nothing"
		if to := c.targets[nodeIf]; to != nil && to.stop != nil {
			got = to.Address.String()
		}
		if got != want {
			t.Errorf("checks %s, want %s", got, want)
		}
	}
	for _, op := range []engine.Op{four, six, plain, local} {
		r.ok(op, engine.OpPrepare)
	}
	r.ok(plain, engine.OpInstall)
	r.ok(local, engine.OpInstall)
	at("nothing")
	r.ok(four, engine.OpInstall)
	at("192.0.2.10/24")
	r.ok(six, engine.OpInstall)
	at("192.0.2.10/24")
	r.ok(four, engine.OpRemove)
	at("2001:db8::10/64")
	r.ok(six, engine.OpDiscard)
	at("nothing")
	r.ok(four, engine.OpInstall)
	at("192.0.2.10/24")
	for _, op := range []engine.Op{four, plain, local} {
		r.ok(op, engine.OpDiscard)
	}
	at("nothing")
}

// TestVirtualMACWhereNewInterfacesFilter makes the group where interfaces are
// made with arp_filter on, as the default settings may say.
func TestVirtualMACWhereNewInterfacesFilter(t *testing.T) {
	l := newLAN(t)
	set(t, "ipv4", "default", "arp_filter", "1")
	t.Cleanup(func() { set(t, "ipv4", "default", "arp_filter", "0") })
	r := newRig(t)
	op := order(engine.MACAuto, "192.0.2.10/24")
	mac := r.ok(op, engine.OpPrepare).MAC
	r.ok(op, engine.OpInstall)
	l.expect(op.Addresses[0].Addr(), "installed", net.HardwareAddr(mac[:]).String())
	r.ok(op, engine.OpDiscard)
}
