package hands

import (
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/linux/macvlan"
	"github.com/holdfast-net/holdfast/vrrp"
)

func order(mac engine.MACMode, addrs ...string) engine.Op {
	op := engine.Op{Interface: nodeIf, VRID: 51, MAC: mac, Group: "web", Family: vrrp.IPv4}
	for _, a := range addrs {
		op.Addresses = append(op.Addresses, netip.MustParsePrefix(a))
	}
	if op.Addresses[0].Addr().Is6() {
		op.Family = vrrp.IPv6
	}
	return op
}

// expect asks everybody and wants answers with these MACs, and no others. What
// must not come is wrong the first time it comes; what has to come may take a
// while on a busy machine, where the kernel gives frames to a macvlan when it
// finds the time.
func (l *lan) expect(a netip.Addr, when string, want ...string) {
	l.t.Helper()
	slices.Sort(want)
	var got []string
	for end := time.Now().Add(grace); ; {
		for _, mac := range l.who(a, l.nodeMAC(), net.HardwareAddr{0, 0, 0x5e, 0, 1, 51}, net.HardwareAddr{0, 0, 0x5e, 0, 2, 51}) {
			if !slices.Contains(got, mac) {
				got = append(got, mac)
			}
		}
		slices.Sort(got)
		missing := slices.ContainsFunc(want, func(mac string) bool { return !slices.Contains(got, mac) })
		if !missing || len(got) > len(want) || time.Now().After(end) {
			break
		}
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		l.t.Errorf("%s: who answers for %s (-want +got):\n%s", when, a, diff)
	}
}

// TestWhoAnswers asks, from another machine, for the address in every state of
// it: by broadcast (or multicast) and by frames to both MACs.
func TestWhoAnswers(t *testing.T) {
	for _, c := range []struct {
		name  string
		mac   engine.MACMode
		addrs []string
	}{
		{"physical IPv4", engine.MACPhysical, []string{"192.0.2.10/24"}},
		{"physical IPv6", engine.MACPhysical, []string{"2001:db8::10/64"}},
		{"physical IPv6 link-local first", engine.MACPhysical, []string{"fe80::10/64", "2001:db8::10/64"}},
		{"virtual IPv4", engine.MACVirtual, []string{"192.0.2.10/24"}},
		{"virtual IPv4 host prefix", engine.MACVirtual, []string{"192.0.2.10/32"}},
		{"virtual IPv6", engine.MACVirtual, []string{"2001:db8::10/64"}},
		{"virtual IPv6 link-local first", engine.MACVirtual, []string{"fe80::10/64", "2001:db8::10/64"}},
		{"virtual IPv6 host prefix", engine.MACVirtual, []string{"fe80::10/128", "2001:db8::10/128"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, r := newLAN(t), newRig(t)
			op := order(c.mac, c.addrs...)
			mac := l.nodeMAC()
			if c.mac == engine.MACVirtual {
				m := macvlan.MAC(op.Family, op.VRID)
				mac = m[:]
			}
			all := func(when string, want ...string) {
				t.Helper()
				for _, p := range op.Addresses {
					l.expect(p.Addr(), when, want...)
				}
			}
			served := func(when string, want bool) {
				t.Helper()
				for _, p := range op.Addresses {
					l.wantServed(p.Addr(), mac, when, want)
				}
			}
			all("before anything")
			res := r.ok(op, engine.OpPrepare)
			if got := net.HardwareAddr(res.MAC[:]).String(); got != mac.String() || res.Virtual != (c.mac == engine.MACVirtual) || res.Why != "" {
				t.Errorf("prepared with MAC %s, virtual %v, why %q; want %s", got, res.Virtual, res.Why, mac)
			}
			for _, note := range res.Notes {
				t.Errorf("unexpected note: %s", note)
			}
			all("backup")
			served("backup", false)
			for range 2 {
				r.ok(op, engine.OpInstall)
				all("installed", mac.String())
				served("installed", true)
				r.hold(silent)
				all("silent")
				served("silent", true)
				r.hold(engine.Hold{})
				all("closed")
				served("closed", false)
				r.hold(open)
			}
			all("open again", mac.String())
			r.ok(op, engine.OpRemove)
			all("removed")
			served("removed", false)
			r.ok(op, engine.OpRemove)
			r.ok(op, engine.OpInstall)
			all("installed after removed", mac.String())
			r.ok(op, engine.OpDiscard)
			all("discarded")
			l.expect(node4.Addr(), "at the end", l.nodeMAC().String())
			l.expect(node6.Addr(), "at the end", l.nodeMAC().String())
		})
	}
}
