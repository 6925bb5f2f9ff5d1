package interop

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/interop/peer"
	"github.com/holdfast-net/holdfast/interop/wire"
)

// The same story in every dialect that the two have in common: one is active,
// the other one backup; it leaves, and the other one follows.
func TestDialects(t *testing.T) {
	t.Parallel()
	v2 := func(r peer.Router) peer.Router {
		r.Version, r.Interval = 2, time.Second
		return r
	}
	tests := []struct {
		name   string
		vip    netip.Prefix
		router func(r peer.Router, self, other string) peer.Router // by the names of the hosts
		check  func(t *testing.T, advert wire.Advert)
	}{
		{
			name: "version 2", vip: vip4,
			router: func(r peer.Router, _, _ string) peer.Router { return v2(r) },
			check: func(t *testing.T, a wire.Advert) {
				if a.Version != 2 || a.AuthType != 0 || a.Form != wire.MessageOnly || a.Interval != time.Second {
					t.Errorf("not a plain version 2 advert: %+v", a)
				}
			},
		},
		{
			name: "version 2 with password", vip: vip4,
			router: func(r peer.Router, _, _ string) peer.Router {
				r = v2(r)
				r.Pass = "s3cret"
				return r
			},
			check: func(t *testing.T, a wire.Advert) {
				if a.AuthType != 1 || strings.TrimRight(a.Auth, "\x00") != "s3cret" {
					t.Errorf("not a password advert: %+v", a)
				}
			},
		},
		{
			name: "version 3", vip: vip4,
			router: func(r peer.Router, _, _ string) peer.Router { return r },
			check: func(t *testing.T, a wire.Advert) {
				if a.Version != 3 || a.Form != wire.PseudoHeader || a.Interval != 200*time.Millisecond || a.TTL != 255 || a.TOS != 0xc0 {
					t.Errorf("not the version 3 advert that keepalived understands: %+v", a)
				}
			},
		},
		{
			name: "version 3 with IPv6", vip: vip6,
			router: func(r peer.Router, _, _ string) peer.Router {
				r.Addresses = []netip.Prefix{local, vip6}
				return r
			},
			check: func(t *testing.T, a wire.Advert) {
				if a.Version != 3 || a.Form != wire.PseudoHeader || a.TTL != 255 || !a.Src.IsLinkLocalUnicast() || len(a.Addresses) != 2 || a.Addresses[0] != local.Addr() {
					t.Errorf("not a proper IPv6 advert: %+v", a)
				}
			},
		},
		{
			name: "unicast", vip: vip4,
			router: func(r peer.Router, self, other string) peer.Router {
				r.Source, r.Peers = prefix4[self].Addr(), []netip.Addr{prefix4[other].Addr()}
				return r
			},
			check: func(t *testing.T, a wire.Advert) {
				if a.Dst.IsMulticast() || a.TTL != 255 || a.Form != wire.PseudoHeader {
					t.Errorf("not a proper unicast advert: %+v", a)
				}
			},
		},
		{
			name: "unicast version 2", vip: vip4,
			router: func(r peer.Router, self, other string) peer.Router {
				r = v2(r)
				r.Source, r.Peers = prefix4[self].Addr(), []netip.Addr{prefix4[other].Addr()}
				return r
			},
			check: func(t *testing.T, a wire.Advert) {
				if a.Dst.IsMulticast() || a.Form != wire.MessageOnly {
					t.Errorf("not a proper unicast advert: %+v", a)
				}
			},
		},
		{
			name: "unicast with IPv6", vip: vip6,
			router: func(r peer.Router, self, other string) peer.Router {
				r.Addresses = []netip.Prefix{local, vip6}
				r.Source, r.Peers = prefix6[self].Addr(), []netip.Addr{prefix6[other].Addr()}
				r.Hops = 64
				return r
			},
			check: func(t *testing.T, a wire.Advert) {
				// From the address that the other side has as its peer.
				// keepalived 2.2.7 leaves the hop limit at the kernel's 64.
				if !prefix6["a"].Contains(a.Src) || !prefix6["a"].Contains(a.Dst) || a.TTL != 255 && a.TTL != 64 || a.Form != wire.PseudoHeader {
					t.Errorf("not a proper IPv6 unicast advert: %+v", a)
				}
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			eachWay(t, peer.Keepalived, func(t *testing.T, first, second peer.Kind) {
				bed := newBed(t)
				a := bed.start(first, bed.a, tt.router(router4(200), "a", "b"))
				b := bed.start(second, bed.b, tt.router(router4(100), "b", "a"))
				bed.state(a, peer.Active)
				bed.state(b, peer.Backup)
				bed.answers(tt.vip, bed.a)
				bed.stop(a)
				bed.state(b, peer.Active)
				bed.answers(tt.vip, bed.b)
				all := wire.Adverts(bed.capture.Frames())
				if len(all) < 3 {
					t.Fatalf("%d adverts on the wire", len(all))
				}
				for _, advert := range all {
					tt.check(t, advert)
				}
			})
		})
	}
}
