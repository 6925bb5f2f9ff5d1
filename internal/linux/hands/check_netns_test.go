package hands

import (
	"context"
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
		name, addr, setting, value string
		want                       []string
	}{
		{"IPv4 as it should be", "192.0.2.10/24", "", "", nil},
		{"IPv6 as it should be", "2001:db8::10/64", "", "", nil},
		{"in a subnet of its own", "198.18.0.10/24", "", "", nil},
		{"the arp_announce leak", "192.0.2.10/24", "arp_announce", "0", []string{"the node asks its neighbours for 192.0.2.10 with the MAC PHYSICAL instead of 00:00:5e:00:01:33"}},
		{"the physical MAC answers", "192.0.2.10/24", "arp_ignore", "0", []string{"net.ipv4.conf.eth0.arp_ignore was set back to 0: the node answers for 192.0.2.10 with its own MAC too"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, r := newLAN(t), newRig(t)
			op := order(engine.MACVirtual, c.addr)
			r.ok(op, engine.OpPrepare)
			r.ok(op, engine.OpInstall)
			if c.setting != "" {
				set(t, "ipv4", nodeIf, c.setting, c.value)
			}
			f, err := probe.Verify(context.Background(), probe.Target{
				Ifname: nodeIf, Parent: index(t, nodeIf), Macvlan: index(t, macvlan.Name(op.Family, index(t, nodeIf), op.VRID)),
				MAC: macvlan.MAC(op.Family, op.VRID), Address: op.Addresses[0],
			})
			must(t, err)
			if !f.Asked {
				t.Error("the probe saw no question at all")
			}
			for i := range f.Wrong {
				f.Wrong[i] = strings.ReplaceAll(f.Wrong[i], l.nodeMAC().String(), "PHYSICAL")
			}
			if diff := cmp.Diff(c.want, f.Wrong); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

// TestReportsLeak lets the Hands find out by themselves, once.
func TestReportsLeak(t *testing.T) {
	newLAN(t)
	reports := make(chan string, 10)
	r := newRig(t)
	r.hands.checks.report = func(ifname, text string) { reports <- ifname + ": " + text }
	op := order(engine.MACVirtual, "192.0.2.10/24")
	r.ok(op, engine.OpPrepare)
	set(t, "ipv4", nodeIf, "arp_announce", "0")
	r.ok(op, engine.OpInstall)
	select {
	case got := <-reports:
		if want := "eth0: the node asks its neighbours for 192.0.2.10"; !strings.HasPrefix(got, want) {
			t.Errorf("report %q, want %q...", got, want)
		}
	case <-time.After(grace):
		t.Error("no report of the leak")
	}
	r.ok(op, engine.OpRemove)
	r.ok(op, engine.OpInstall)
	must(t, r.hands.Close())
	if len(reports) > 0 {
		t.Errorf("checked again at once: %q", <-reports)
	}
}
