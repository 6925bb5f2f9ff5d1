package vrrp

import (
	"net/netip"
	"testing"
	"time"
)

// The list of addresses should agree. Version 3 only says so; version 2 may
// insist, though not against the owner.
//
//conformance:9568-7.1-list positive
//conformance:9568-7.1-list negative
//conformance:9568-7.1-mismatch-log positive
//conformance:9568-7.1-mismatch-log negative
//conformance:3768-7.1-list positive
//conformance:3768-7.1-list negative
//conformance:3768-7.1-list-drop positive
//conformance:3768-7.1-list-drop negative
//conformance:3768-7.1-list-log positive
//conformance:3768-7.1-list-log negative
func TestReceive_AddressList(t *testing.T) {
	two := func(c *Config) { c.Addresses = list("192.0.2.100", "192.0.2.101") }
	strict := func(c *Config) { c.StrictList = true }
	const differs = "report: peer has another address list"
	for _, c := range []struct {
		name     string
		cfg      Config
		priority uint8
		list     []netip.Addr
		accepted bool
		want     []string
	}{
		{"same", ipv4(two), 200, list("192.0.2.100", "192.0.2.101"), true, nil},
		{"other order", ipv4(two), 200, list("192.0.2.101", "192.0.2.100"), true, nil},
		{"fewer", ipv4(two), 200, list("192.0.2.101"), true, []string{differs + " (192.0.2.20 priority 200)"}},
		{"more", ipv4(), 200, list("192.0.2.100", "192.0.2.101"), true, []string{differs + " (192.0.2.20 priority 200)"}},
		{"other", ipv4(), 200, list("192.0.2.101"), true, []string{differs + " (192.0.2.20 priority 200)"}},
		{"one twice", ipv4(two), 200, list("192.0.2.100", "192.0.2.100"), true, []string{differs + " (192.0.2.20 priority 200)"}},
		{"v2", version2(), 200, list("192.0.2.101"), true, []string{differs + " (192.0.2.20 priority 200)"}},
		{
			"v2 strict", version2(strict), 200, list("192.0.2.101"), false,
			[]string{differs + ": address list differs (192.0.2.20 priority 200)"},
		},
		{"v2 strict, same", version2(strict, two), 200, list("192.0.2.101", "192.0.2.100"), true, nil},
		{
			"v2 strict, owner", version2(strict), 255, list("192.0.2.101"), true,
			[]string{differs + " (192.0.2.20 priority 255)"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := backup(t, c.cfg)
			a := n.advert(c.priority)
			a.Addresses = c.list
			n.hearAdvert(higher, a, c.want...)
			if got := n.Counters().Received == 1; got != c.accepted {
				t.Errorf("accepted %v, want %v", got, c.accepted)
			}
		})
	}
}

// Another interval is no reason to drop an advert of version 3, but worth a
// word.
//
//conformance:9568-7.1-interval-differs positive
//conformance:9568-7.1-interval-differs negative
//conformance:9568-7.1-mismatch-log positive
func TestReceive_IntervalDiffers(t *testing.T) {
	n := backup(t, ipv4())
	a := n.advert(200)
	a.Interval = 2 * time.Second
	n.hearAdvert(higher, a, "report: peer has another interval, 2s instead of 1s (192.0.2.20 priority 200)")
	n.due(2 * down100)
	n.hear(higher, 200)
	n.due(down100)
}
