package interop

import (
	"net/netip"
	"testing"

	"github.com/holdfast-net/holdfast/interop/peer"
)

// FRR's vrrpd with arp_ignore=1 on the parent of its macvlan, without which
// its backup answers for the address too.
func TestFRR(t *testing.T) {
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
					// It leaves its macvlan up, with the address: the
					// operator's to take down.
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
