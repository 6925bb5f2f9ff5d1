package engine

import (
	"net/netip"
	"testing"

	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/vrrp"
)

func TestPrimary(t *testing.T) {
	link := Link{Addresses: []netip.Prefix{
		netip.MustParsePrefix("192.0.2.10/24"),
		netip.MustParsePrefix("192.0.2.1/24"),
		netip.MustParsePrefix("198.51.100.1/24"),
		netip.MustParsePrefix("2001:db8:1::1/64"),
		netip.MustParsePrefix("2001:db8:2::1/64"),
		netip.MustParsePrefix("fe80::10/64"),
		netip.MustParsePrefix("fe80::1/64"),
	}}
	tests := []struct {
		name     string
		vip      string
		priority uint8
		peers    []string
		want     string
	}{
		{"the first of its own", "192.0.2.10/24", 100, nil, "192.0.2.1"},
		{"the first of all", "192.0.2.99/24", 100, nil, "192.0.2.10"},
		{"link-local", "fe80::10/64", 100, nil, "fe80::1"},
		{"in the peer's subnet", "192.0.2.10/24", 100, []string{"198.51.100.2"}, "198.51.100.1"},
		{"to a peer behind a router", "192.0.2.10/24", 100, []string{"203.0.113.2"}, "192.0.2.1"},
		{"in the peer's IPv6 subnet", "fe80::10/64", 100, []string{"2001:db8:2::2"}, "2001:db8:2::1"},
		{"to an IPv6 peer behind a router", "fe80::10/64", 100, []string{"2001:db8:9::2"}, "2001:db8:1::1"},
		{"to a link-local peer", "fe80::10/64", 100, []string{"fe80::2"}, "fe80::1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			vip := netip.MustParsePrefix(tt.vip)
			r := &router{group: &config.Group{}, addrs: []netip.Prefix{vip}}
			r.group.VRRP.Priority = tt.priority
			r.cfg.Family = vrrp.IPv4
			if vip.Addr().Is6() {
				r.cfg.Family = vrrp.IPv6
			}
			for _, p := range tt.peers {
				r.cfg.Peers = append(r.cfg.Peers, netip.MustParseAddr(p))
			}
			if got := primary(link, r); got.String() != tt.want {
				t.Errorf("adverts are sent from %s, want %s", got, tt.want)
			}
		})
	}
}

// The owner of an address has no other that it must send from.
func TestPrimary_Owner(t *testing.T) {
	vip := netip.MustParsePrefix("192.0.2.10/24")
	r := &router{group: &config.Group{}, addrs: []netip.Prefix{vip}}
	r.cfg.Family = vrrp.IPv4
	link := Link{Addresses: []netip.Prefix{vip}}
	if got := primary(link, r); got.IsValid() {
		t.Errorf("who does not own it sends from %s", got)
	}
	r.group.VRRP.Priority = vrrp.OwnerPriority
	if got := primary(link, r); got != vip.Addr() {
		t.Errorf("the owner sends from %s, want %s", got, vip.Addr())
	}
}
