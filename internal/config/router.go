package config

import (
	"net/netip"

	"github.com/holdfast-net/holdfast/vrrp"
)

// Families lists the address families that the group's addresses have, IPv4
// first. Each is one virtual router.
func (g Group) Families() []vrrp.Family {
	var four, six bool
	for _, p := range g.Addresses {
		if p.Addr().Is4() {
			four = true
		} else {
			six = true
		}
	}
	var out []vrrp.Family
	if four {
		out = append(out, vrrp.IPv4)
	}
	if six {
		out = append(out, vrrp.IPv6)
	}
	return out
}

// AddressList is the group's addresses of one family in the order of the
// advert. An IPv6 virtual router's first address is link-local (RFC 9568
// §5.2.9): a link-local address that was written moves to the front, and where
// none was written VirtualLinkLocal is put there.
func (g Group) AddressList(f vrrp.Family) []netip.Prefix {
	var local, rest []netip.Prefix
	for _, p := range g.Addresses {
		switch {
		case p.Addr().Is4() != (f == vrrp.IPv4):
		case f == vrrp.IPv6 && p.Addr().IsLinkLocalUnicast():
			local = append(local, p)
		default:
			rest = append(rest, p)
		}
	}
	if f == vrrp.IPv6 && len(local) == 0 && len(rest) > 0 {
		local = []netip.Prefix{netip.PrefixFrom(VirtualLinkLocal(g.VRRP.ID), 64)}
	}
	return append(local, rest...)
}

// VirtualLinkLocal is the link-local address of an IPv6 virtual router for
// which none was configured: the modified EUI-64 form of its virtual MAC
// 00-00-5E-00-02-VRID (RFC 9568 §7.3), fe80::200:5eff:fe00:2XX. All nodes of
// the group arrive at the same one.
func VirtualLinkLocal(vrid uint8) netip.Addr {
	return netip.AddrFrom16([16]byte{0: 0xfe, 1: 0x80, 8: 0x02, 10: 0x5e, 11: 0xff, 12: 0xfe, 14: 0x02, 15: vrid})
}

// Router is the virtual router of one family: all of vrrp.Config except
// Source, which depends on the interface at run time, and Ask, which is the
// caller's.
func (g Group) Router(f vrrp.Family) vrrp.Config {
	v := g.VRRP
	c := vrrp.Config{
		VRID:         v.ID,
		Family:       f,
		Version:      v.Version,
		Priority:     v.Priority,
		Interval:     v.Interval,
		NoPreempt:    !v.Preempt,
		PreemptDelay: v.PreemptDelay,
		StartupHold:  v.StartupDelay,
		LearnMin:     v.LearnMin,
		LearnMax:     v.LearnMax,
		Hops:         v.Hops,
		Checksum:     v.Checksum,
		StrictList:   v.StrictList,
		Pass:         string(v.Auth.Pass.Bytes()),
	}
	for _, p := range g.AddressList(f) {
		c.Addresses = append(c.Addresses, p.Addr())
	}
	for _, p := range v.Peers {
		if p.Is4() == (f == vrrp.IPv4) {
			c.Peers = append(c.Peers, p)
		}
	}
	if h := v.Auth.HMAC; h != nil {
		keys := make(map[uint8][]byte, len(h.Keys))
		for id, k := range h.Keys {
			keys[id] = k.Bytes()
		}
		c.HMAC = &vrrp.HMAC{Keys: keys, Active: h.Active, Mode: h.Mode, Window: h.Window}
	}
	return c
}
