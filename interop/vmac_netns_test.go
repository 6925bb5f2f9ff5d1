package interop

import (
	"net/netip"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/lab"
	"github.com/holdfast-net/holdfast/interop/peer"
)

// keepalived with and without a virtual MAC beside holdfast with and without:
// whoever holds the address, one MAC answers for it.
func TestVirtualMAC(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name        string
		theirs, our peer.MAC
	}{
		{"both virtual", peer.VirtualMAC, peer.VirtualMAC},
		{"keepalived's virtual", peer.VirtualMAC, peer.PhysicalMAC},
		{"holdfast's virtual", peer.PhysicalMAC, peer.VirtualMAC},
		{"neither virtual", peer.PhysicalMAC, peer.PhysicalMAC},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			eachWay(t, peer.Keepalived, func(t *testing.T, first, second peer.Kind) {
				mac := func(kind peer.Kind) peer.MAC {
					if kind == product() {
						return tt.our
					}
					return tt.theirs
				}
				for _, addresses := range [][]netip.Prefix{{vip4}, {local, vip6}} {
					high, low := router4(200), router4(100)
					high.MAC, low.MAC = mac(first), mac(second)
					high.Addresses, low.Addresses = addresses, addresses
					vip := addresses[len(addresses)-1]
					bed := newBed(t)
					a := bed.start(first, bed.a, high)
					b := bed.start(second, bed.b, low)
					bed.state(a, peer.Active)
					bed.state(b, peer.Backup)
					bed.answers(vip, bed.a)
					bed.answersWith(first, vip, high.MAC)
					bed.stop(a)
					bed.state(b, peer.Active)
					bed.answers(vip, bed.b)
					bed.answersWith(second, vip, low.MAC)
				}
			})
		})
	}
}

// answersWith checks which MAC holdfast answers with. What keepalived does is
// its own affair.
func (b *bed) answersWith(kind peer.Kind, vip netip.Prefix, mac peer.MAC) {
	b.t.Helper()
	if kind != peer.Holdfast {
		return
	}
	var found []lab.Answer
	b.within(10*time.Second, "somebody answers", func() error {
		var err error
		found, err = b.lan.WhoHas(b.client, vip.Addr(), answerTime)
		if err == nil && len(found) == 0 {
			err = errNotYet
		}
		return err
	})
	virtual := "00:00:5e:00:01:33" // RFC 9568 §7.3, VRID 51
	if vip.Addr().Is6() {
		virtual = "00:00:5e:00:02:33"
	}
	if len(found) != 1 || (found[0].MAC.String() == virtual) != (mac == peer.VirtualMAC) {
		b.t.Errorf("answers to who has %s: %+v, want one with a %s MAC", vip.Addr(), found, mac)
	}
}
