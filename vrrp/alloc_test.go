package vrrp

import (
	"net/netip"
	"testing"
	"time"
)

// paths are the steps that a router takes thousands of times an hour.
func paths(t testing.TB) map[string]func() {
	made := func(cfg Config) *Router {
		r, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	started := func(cfg Config) *Router {
		r := made(cfg)
		r.Step(begin, Startup(), nil)
		return r
	}
	buf := make([]byte, 0, 8192)
	acts := make([]Action, 0, 16)
	paths := map[string]func(){}

	for name, cfg := range map[string]Config{
		"ipv4": ipv4(), "ipv6": ipv6(), "version 2": version2(pass("secret")), "signed": ipv4(hmacOf(Enforce, 1, 1)),
		"255 addresses": ipv4(func(c *Config) {
			c.Addresses = nil
			for i := range byte(255) {
				c.Addresses = append(c.Addresses, netip.AddrFrom4([4]byte{10, 0, 0, i}))
			}
		}),
	} {
		sender := made(cfg)
		dst := cfg.Family.Group()
		paths["encode "+name] = func() { buf = sender.AppendAdvert(buf[:0], begin, dst, 100) }

		peer := cfg
		peer.Source, peer.Priority = higher, 200
		if cfg.Family == IPv6 {
			peer.Source = lower6
		}
		from, r := made(peer), started(cfg)
		now := begin
		pkt := Packet{Src: peer.Source, Dst: dst, TTL: 255, Payload: from.AppendAdvert(nil, now, dst, 200)}
		step := func() {
			now = now.Add(time.Second)
			pkt.Payload = from.AppendAdvert(pkt.Payload[:0], now, dst, 200)
			acts = r.Step(now, Received(&pkt), acts[:0])
		}
		step()
		paths["hear "+name] = step
	}

	var a Advert
	four, six := unhex(t, wireCases[0].wire), unhex(t, wireCases[2].wire)
	a.Decode(six, IPv6)
	paths["decode ipv4"] = func() { a.Decode(four, IPv4) }
	paths["decode ipv6"] = func() { a.Decode(six, IPv6) }
	full := Advert{Version: 3, VRID: 1, Priority: 1, Interval: time.Second, Addresses: list("192.0.2.100")}
	paths["append ipv4"] = func() { buf = full.Append(buf[:0], self, Group4, ChecksumAuto) }

	act := started(ipv4(priority(255)))
	paths["tick active"] = func() { acts = act.Step(act.Deadline(), Tick(), acts[:0]) }

	bad := started(ipv4())
	broken := Packet{Src: higher, Dst: Group4, TTL: 1, Payload: four}
	bad.Step(begin, Received(&broken), nil)
	paths["drop"] = func() { acts = bad.Step(begin, Received(&broken), acts[:0]) }
	return paths
}

// Nothing on these paths allocates.
func TestNoAllocations(t *testing.T) {
	for name, f := range paths(t) {
		if got := testing.AllocsPerRun(200, f); got != 0 {
			t.Errorf("%s: %v allocations", name, got)
		}
	}
}

func BenchmarkPaths(b *testing.B) {
	for _, name := range []string{
		"encode ipv4", "encode ipv6", "encode version 2", "encode signed", "encode 255 addresses",
		"decode ipv4", "decode ipv6", "append ipv4",
		"hear ipv4", "hear ipv6", "hear version 2", "hear signed", "hear 255 addresses",
		"tick active", "drop",
	} {
		f := paths(b)[name]
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f()
			}
		})
	}
}
