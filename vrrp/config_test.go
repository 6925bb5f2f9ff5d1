package vrrp

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What a configuration leaves out gets the defaults of RFC 9568 §6.1.
//
//conformance:9568-6.1-defaults positive
func TestConfig_Defaults(t *testing.T) {
	n := place(t, Config{VRID: 1, Family: IPv4, Addresses: list("192.0.2.100"), Source: self})
	want := Config{
		VRID: 1, Family: IPv4, Version: 3, Priority: 100, Interval: time.Second,
		Addresses: list("192.0.2.100"), Source: self,
		LearnMin: 100 * time.Millisecond, LearnMax: 10 * time.Second, Hops: 255,
	}
	if diff := cmp.Diff(want, n.Config(), addrs); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
	n = place(t, ipv4(interval(10*time.Millisecond)))
	if c := n.Config(); c.LearnMin != 10*time.Millisecond || c.LearnMax != 100*time.Millisecond {
		t.Errorf("learns %s..%s at 10ms", c.LearnMin, c.LearnMax)
	}
	n = place(t, ipv4(interval(MaxInterval)))
	if c := n.Config(); c.LearnMin != 4095*time.Millisecond || c.LearnMax != MaxInterval {
		t.Errorf("learns %s..%s at 40.95s", c.LearnMin, c.LearnMax)
	}
}

// Every mistake is named, and all of them at once.
//
//conformance:9568-5.2.9-linklocal-first negative
//conformance:9568-6.1-interval negative
func TestConfig_Mistakes(t *testing.T) {
	set := func(f func(*Config)) Config { return ipv4(f) }
	many := make([]netip.Addr, 256)
	for i := range many {
		many[i] = netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})
	}
	for _, c := range []struct {
		cfg  Config
		want string
	}{
		{set(func(c *Config) { c.VRID = 0 }), "virtual router id 0 is not in 1..255"},
		{set(func(c *Config) { c.Family = 5 }), "family 5 is neither 4 nor 6"},
		{set(func(c *Config) { c.Version = 4 }), "version 4 is neither 2 nor 3"},
		{ipv6(func(c *Config) { c.Version = 2 }), "version 2 has no IPv6"},
		{set(func(c *Config) { c.Interval = 5 * time.Millisecond }), "interval 5ms is not in 10ms..40.95s of version 3"},
		{set(func(c *Config) { c.Interval = 41 * time.Second }), "interval 41s is not in 10ms..40.95s of version 3"},
		{set(func(c *Config) { c.Interval = -time.Second }), "interval -1s is not in 10ms..40.95s of version 3"},
		{set(func(c *Config) { c.Interval = 15 * time.Millisecond }), "interval 15ms is not a multiple of 10ms"},
		{version2(interval(100 * time.Millisecond)), "interval 100ms is not in 1s..4m15s of version 2"},
		{version2(interval(1500 * time.Millisecond)), "interval 1.5s is not a multiple of 1s"},
		{set(func(c *Config) { c.LearnMin = 2 * time.Second }), "lowest learnt interval 2s is not in 0..1s"},
		{set(func(c *Config) { c.LearnMax = time.Millisecond }), "highest learnt interval 1ms is below the interval 1s"},
		{set(func(c *Config) { c.Addresses = nil }), "0 addresses are not in 1..255"},
		{set(func(c *Config) { c.Addresses = many }), "256 addresses are not in 1..255"},
		{set(func(c *Config) { c.Addresses = list("192.0.2.1", "192.0.2.1") }), "address 192.0.2.1 is listed twice"},
		{set(func(c *Config) { c.Addresses = list("fe80::1") }), "address fe80::1 is not an ipv4 address"},
		{ipv6(func(c *Config) { c.Addresses = list("192.0.2.1") }), "address 192.0.2.1 is not an ipv6 address"},
		{ipv6(func(c *Config) { c.Addresses = list("2001:db8::1", "fe80::1") }), "first address 2001:db8::1 is not link-local"},
		{set(func(c *Config) { c.Source = netip.Addr{} }), "source invalid IP is not an ipv4 address"},
		{set(func(c *Config) { c.Source = self6 }), "source fe80::10 is not an ipv4 address"},
		{set(func(c *Config) { c.Peers = list("192.0.2.10") }), "peer 192.0.2.10 is this node itself"},
		{set(func(c *Config) { c.Peers = list("fe80::1") }), "peer fe80::1 is not an ipv4 address"},
		{set(func(c *Config) { c.Peers = list("192.0.2.1", "192.0.2.1") }), "peer 192.0.2.1 is listed twice"},
		{set(func(c *Config) { c.Peers = list("224.0.0.18") }), "peer 224.0.0.18 is a multicast address"},
		{set(func(c *Config) { c.Checksum = 3 }), "checksum mode 3 is unknown"},
		{set(func(c *Config) { c.PreemptDelay = -1 }), "preempt delay -1ns is negative"},
		{set(func(c *Config) { c.StartupHold = -1 }), "startup hold -1ns is negative"},
		{set(func(c *Config) { c.Align = -1 }), "alignment -1ns is not in 0..500ms"},
		{set(func(c *Config) { c.Align = time.Second }), "alignment 1s is not in 0..500ms"},
		{set(pass("secret")), "a password needs version 2"},
		{version2(pass("123456789")), "password has 9 bytes, at most 8 are sent"},
		{version2(pass("secret"), hmacOf(Enforce, 1, 1)), "password and hmac exclude each other"},
		{set(hmacOf(Enforce, 1)), "active hmac key 1 is not among the keys"},
		{set(hmacOf(3, 1, 1)), "hmac mode 3 is unknown"},
		{set(func(c *Config) { c.HMAC = &HMAC{Keys: map[uint8][]byte{1: make([]byte, 31)}, Active: 1} }), "hmac key 1 has 31 bytes, not 32..64"},
		{set(func(c *Config) { c.HMAC = &HMAC{Keys: map[uint8][]byte{1: make([]byte, 65)}, Active: 1} }), "hmac key 1 has 65 bytes, not 32..64"},
		{
			set(func(c *Config) { c.HMAC = &HMAC{Keys: map[uint8][]byte{1: key(1)}, Active: 1, Window: time.Hour} }),
			"hmac window 1h0m0s is not in 1s..5m0s",
		},
	} {
		_, err := New(c.cfg)
		if want := "cannot use virtual router configuration: " + c.want; err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
	_, err := New(Config{})
	for _, want := range []string{"virtual router id", "family", "addresses"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name the %s", err, want)
		}
	}
}

// The bounds themselves are fine.
//
//conformance:9568-6.1-interval positive
func TestConfig_Bounds(t *testing.T) {
	for _, cfg := range []Config{
		ipv4(interval(MinInterval)), ipv4(interval(MaxInterval)), ipv4(priority(255)),
		version2(interval(255 * time.Second)), version2(pass("12345678")),
		ipv4(func(c *Config) { c.Source = netip.IPv4Unspecified() }),
		ipv4(hmacOf(ReceiveOnly, 255, 0, 255)),
	} {
		if _, err := New(cfg); err != nil {
			t.Error(err)
		}
	}
}

// A caller may go on using what it passed.
func TestConfig_SharesNoMemory(t *testing.T) {
	cfg := ipv4(hmacOf(Enforce, 1, 1), func(c *Config) { c.Peers = list("192.0.2.20") })
	n := place(t, cfg)
	before := n.AppendAdvert(nil, begin, higher, 100)
	cfg.Addresses[0], cfg.Peers[0] = lower, lower
	clear(cfg.HMAC.Keys[1])
	clear(cfg.HMAC.Keys)
	n.sent = 0
	if after := n.AppendAdvert(nil, begin, higher, 100); string(before) != string(after) {
		t.Errorf("sent\n%x, then\n%x", before, after)
	}
	if n.Config().Peers[0] != higher || len(n.Config().HMAC.Keys[1]) != 32 {
		t.Error("the configuration changed from outside")
	}
}
