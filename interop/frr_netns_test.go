package interop

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/holdfast-net/holdfast/internal/lab"
	"github.com/holdfast-net/holdfast/interop/peer"
)

// FRR's vrrpd with arp_ignore=1 on the parent of its macvlan, without which
// its backup answers for the address too.
func TestFRR(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		vip       netip.Prefix
		addresses []netip.Prefix
		version   int
	}{
		{"version 3", vip4, []netip.Prefix{vip4}, 3},
		{"version 3 with IPv6", vip6, []netip.Prefix{local, vip6}, 3},
		{"version 2", vip4, []netip.Prefix{vip4}, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			eachWay(t, peer.FRR, func(t *testing.T, first, second peer.Kind) {
				high, low := router4(200), router4(100)
				for _, r := range []*peer.Router{&high, &low} {
					r.Addresses, r.Version = tt.addresses, tt.version
					if tt.version == 2 {
						r.Interval *= 10
					}
				}
				bed := newBed(t)
				a := bed.start(first, bed.a, high)
				b := bed.start(second, bed.b, low)
				bed.state(a, peer.Active)
				bed.state(b, peer.Backup)
				bed.answers(tt.vip, bed.a)
				bed.steady(low.Interval*5, "the backup stays backup", holds(b, peer.Backup))

				bed.stop(a) // says priority 0
				bed.state(b, peer.Active)
				if first == peer.FRR {
					// Whether it takes its macvlan down is a race between
					// its daemons: see TestFRR_KilledLeavesItsMacvlan.
					return
				}
				bed.answers(tt.vip, bed.b)

				a = bed.start(first, bed.a, high)
				bed.state(a, peer.Active)
				bed.state(b, peer.Backup)
				bed.answers(tt.vip, bed.a)
			})
		})
	}
}

// FRR that is killed leaves its macvlan up, so that its machine goes on answering
// who has the address. It answers with the virtual MAC, and the switch knows
// where that is from who advertises with it: clients reach holdfast all the
// same, old ones and new ones.
func TestFRR_KilledLeavesItsMacvlan(t *testing.T) {
	need(t, peer.FRR, product())
	t.Parallel()
	bed := newBed(t)
	a := bed.start(peer.FRR, bed.a, router4(200))
	b := bed.start(product(), bed.b, router4(100))
	bed.state(a, peer.Active)
	bed.state(b, peer.Backup)
	old := bed.probe()
	bed.reaches(old, bed.a)

	if err := a.Kill(); err != nil {
		t.Fatal(err)
	}
	bed.state(b, peer.Active)
	found, err := bed.lan.WhoHas(bed.client, vip4.Addr(), answerTime)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(found, func(f lab.Answer) bool { return f.Host == "a" }) {
		t.Error("FRR's machine does not answer any more: then this test shows nothing")
	}
	bed.reaches(old, bed.b)
	bed.reaches(bed.probe(), bed.b)

	// Until it is taken down by hand.
	err = bed.a.Do(func() error {
		link, err := netlink.LinkByName("vrrp4-51")
		if err != nil {
			return err
		}
		return netlink.LinkSetDown(link)
	})
	if err != nil {
		t.Fatal(err)
	}
	bed.answers(vip4, bed.b)
}

// probe makes a client.
func (b *bed) probe() *lab.Prober {
	b.t.Helper()
	p, err := lab.StartProber(lab.ProbeConfig{
		From: b.client, To: netip.AddrPortFrom(vip4.Addr(), echoPort), Interval: 5 * time.Millisecond, For: 2 * time.Minute,
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(p.Stop)
	return p
}

// reaches waits until a client has been answered by one host alone for a
// second.
func (b *bed) reaches(p *lab.Prober, host *lab.Host) {
	b.t.Helper()
	b.within(15*time.Second, "the client reaches "+host.Name()+" alone", func() error {
		r := p.Report(time.Now().Add(-time.Second), time.Now())
		if r.By[host.Name()] < 100 || len(r.By) != 1 || r.Lost > 0 {
			return fmt.Errorf("answered by %v, %d lost", r.By, r.Lost)
		}
		return nil
	})
}
