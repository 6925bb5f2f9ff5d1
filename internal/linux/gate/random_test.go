package gate

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
)

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

func randomMAC(r *rand.Rand) mac {
	return pick(r, nodeMAC, clientMAC, foreignMAC, virtual4, virtual6, broadcast, mac{0, 0, 0x5e, 0, 1, 99}, mac{0x33, 0x33, 0xff, 0, 0, 0x10})
}

func random4(r *rand.Rand) netip.Addr {
	if r.IntN(8) == 0 {
		return netip.AddrFrom4([4]byte{byte(r.Uint32()), byte(r.Uint32()), 0, byte(r.Uint32())})
	}
	return pick(r, vip4, vip4, vip4, node4, client4, other4, netip.IPv4Unspecified())
}

func random6(r *rand.Rand) netip.Addr {
	return pick(r, vip6, vip6, vipLL, vipLL, node6, client6, other6, netip.IPv6Unspecified(),
		netip.MustParseAddr("ff02::1:ff00:10"), netip.MustParseAddr("fe80::77"), netip.MustParseAddr("ff02::12"),
		netip.MustParseAddr("2001:db8:1::10")) // the last word of the VIP
}

// randomFrame makes a frame that means something, as a rule, and then maybe
// spoils it.
func randomFrame(r *rand.Rand) []byte {
	var proto int
	var payload []byte
	switch r.IntN(8) {
	case 0, 1:
		proto, payload = 0x0806, arp(1+r.IntN(3), randomMAC(r), random4(r), randomMAC(r), random4(r))
	case 2, 3:
		proto, payload = 0x0800, randomIP4(r)
	case 4, 5, 6:
		proto, payload = 0x86dd, randomIP6(r)
	default:
		proto, payload = pick(r, 0, 1, 0x88cc, 0x8100, 0x88a8, 0x0806), make([]byte, r.IntN(60))
	}
	f := ether(randomMAC(r), randomMAC(r), proto, payload)
	for r.IntN(8) == 0 {
		f = tagged(pick(r, 0, 0, 1, 4095, 0x2000), f)
	}
	if r.IntN(6) == 0 {
		f = f[:14+r.IntN(len(f)-13)]
	}
	for r.IntN(6) == 0 {
		f = bytes.Clone(f)
		f[12+r.IntN(len(f)-12)] = byte(r.Uint32())
	}
	return f
}

func randomIP4(r *rand.Rand) []byte {
	opts := make([]byte, 4*pick(r, 0, 0, 0, 1, 10))
	p := ip4(random4(r), random4(r), pick(r, 112, 112, 6, 17, 1), opts, randomAdvert(r))
	if r.IntN(8) == 0 {
		p[6], p[7] = pick[byte](r, 0x20, 0, 0x1f), pick[byte](r, 0, 1, 0xff) // a fragment
	}
	return p
}

func randomAdvert(r *rand.Rand) []byte {
	return advert(2+r.IntN(2), pick(r, vrid, vrid, 99), pick(r, 0, 1, 100, 255))
}

func randomIP6(r *rand.Rand) []byte {
	src, dst := random6(r), random6(r)
	next, payload := 112, randomAdvert(r)
	switch r.IntN(5) {
	case 0, 1:
		next, payload = 58, solicit(src, dst, random6(r), randomMAC(r))
	case 2, 3:
		next, payload = 58, advertise(src, dst, random6(r), randomMAC(r))
	}
	for r.IntN(3) == 0 {
		h := pick(r, 0, 43, 44, 51, 60)
		switch h {
		case 44:
			payload = cat(fragment(next, pick(r, 0, 0, 1, 100)), payload)
		case 51:
			payload = cat([]byte{byte(next), 4}, make([]byte, 22), payload)
		default:
			payload = cat([]byte{byte(next), byte(r.IntN(2)), 1, 4, 0, 0, 0, 0}, payload)
			if payload[1] == 1 {
				payload = cat(payload[:8], make([]byte, 8), payload[8:])
			}
		}
		next = h
	}
	return ip6(src, dst, next, pick(r, 255, 255, 64), payload)
}
