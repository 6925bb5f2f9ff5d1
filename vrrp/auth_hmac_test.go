package vrrp

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The two vectors of draft-cassen-vrrp-auth-hmac that keepalived tests itself
// with: key 00..1f, VRID 51, priority 200, interval 1s, and half a second past
// 0x68000000.
var (
	vectorTime = time.Unix(0x68000000, 500_000_000)
	vectors    = []struct {
		family              Family
		src, dst, vip, wire string
	}{
		{
			IPv4, "198.51.100.10", "224.0.0.18", "192.0.2.100",
			"3133c80100644402c0000264 010100006800000080000000 1b84bc4e8e43892dc6d98448f8ee2265",
		},
		{
			IPv6, "fe80::10", "fe80::20", "fe80::100",
			"3133c8010064a2e9fe800000000000000000000000000100 010100006800000080000000 c8c56146ebfd66ee10ec4d8186461b78",
		},
	}
)

// key makes a key of 32 bytes that count up from first.
func key(first byte) []byte {
	k := make([]byte, 32)
	for i := range k {
		k[i] = first + byte(i)
	}
	return k
}

func hmacOf(mode HMACMode, active uint8, ids ...uint8) func(*Config) {
	return func(c *Config) {
		keys := map[uint8][]byte{}
		for _, id := range ids {
			keys[id] = key(id)
		}
		c.HMAC = &HMAC{Keys: keys, Active: active, Mode: mode}
	}
}

func vectorConfig(i int, source string) Config {
	v := vectors[i]
	return Config{
		VRID: 51, Family: v.family, Priority: 200, Addresses: list(v.vip), Source: netip.MustParseAddr(source),
		Checksum: ChecksumRFC9568,
		HMAC:     &HMAC{Keys: map[uint8][]byte{1: key(0)}, Active: 1},
	}
}

func TestHMAC_SendsThePublishedVectors(t *testing.T) {
	for i, v := range vectors {
		n := place(t, vectorConfig(i, v.src))
		got := n.AppendAdvert([]byte("before"), vectorTime, netip.MustParseAddr(v.dst), 200)[6:]
		if want := unhex(t, v.wire); !bytes.Equal(got, want) {
			t.Errorf("%s: sent\n%x, want\n%x", v.family, got, want)
		}
	}
}

func TestHMAC_AcceptsThePublishedVectors(t *testing.T) {
	for i, v := range vectors {
		own := "198.51.100.20"
		if v.family == IPv6 {
			own = "fe80::20"
		}
		n := backup(t, vectorConfig(i, own))
		p := &Packet{Src: netip.MustParseAddr(v.src), Dst: netip.MustParseAddr(v.dst), TTL: 255, Payload: unhex(t, v.wire)}
		n.now = vectorTime
		n.Step(n.now, Received(p), nil)
		n.Step(n.now, Received(p), nil)
		c := n.Counters()
		if c.Received != 1 || c.Dropped[DropReplay] != 1 {
			t.Errorf("%s: counters %+v, want one accepted and its copy dropped", v.family, c)
		}
	}
}

// No bit of a signed advert can be turned by a forger who mends the checksum.
func TestHMAC_FindsEveryTurnedBit(t *testing.T) {
	for i, v := range vectors {
		src, dst := netip.MustParseAddr(v.src), netip.MustParseAddr(v.dst)
		own := "198.51.100.20"
		if v.family == IPv6 {
			own = "fe80::20"
		}
		good := unhex(t, v.wire)
		n := place(t, vectorConfig(i, own))
		for bit := range len(good) * 8 {
			b := bytes.Clone(good)
			b[bit/8] ^= 1 << (bit % 8)
			putChecksum(b, 0)
			if v.family == IPv6 {
				putChecksum(b, PseudoChecksum(src, dst, b))
			} else {
				putChecksum(b, Checksum(b[:12]))
			}
			if bytes.Equal(b, good) {
				continue // it was a bit of the checksum
			}
			n.Step(vectorTime, Received(&Packet{Src: src, Dst: dst, TTL: 255, Payload: b}), nil)
		}
		if got := n.Counters().Received; got != 0 {
			t.Errorf("%s: accepted %d forged adverts", v.family, got)
		}
	}
}

// signed is an advert of a peer with its own configuration.
func signed(t *testing.T, n *node, from netip.Addr, cfg Config) *Packet {
	t.Helper()
	cfg.Source = from
	peer := place(t, cfg)
	return &Packet{Src: from, Dst: Group4, TTL: 255, Payload: peer.AppendAdvert(nil, n.now, Group4, 200)}
}

// Which adverts each mode accepts.
func TestHMAC_Modes(t *testing.T) {
	const differs = "report: peer authenticates differently"
	const from = " (192.0.2.20 priority 200)"
	unknown := hmacOf(Enforce, 9, 9)
	forged := func(c *Config) { c.HMAC = &HMAC{Keys: map[uint8][]byte{1: key(77)}, Active: 1} }
	for _, c := range []struct {
		name         string
		ours, theirs Config
		drop         Drop
		want         []string
	}{
		{"enforce: signed", ipv4(hmacOf(Enforce, 1, 1)), ipv4(hmacOf(Enforce, 1, 1)), DropNone, nil},
		{"enforce: unsigned", ipv4(hmacOf(Enforce, 1, 1)), ipv4(), DropAuthType, []string{differs + ": wrong authentication type" + from}},
		{"enforce: receive-only peer", ipv4(hmacOf(Enforce, 1, 1)), ipv4(hmacOf(ReceiveOnly, 1, 1)), DropAuthType, []string{differs + ": wrong authentication type" + from}},
		{"enforce: unknown key", ipv4(hmacOf(Enforce, 1, 1)), ipv4(unknown), DropAuthFailed, []string{differs + ": authentication failed" + from}},
		{"enforce: wrong key", ipv4(hmacOf(Enforce, 1, 1)), ipv4(forged), DropAuthFailed, []string{differs + ": authentication failed" + from}},
		{"permissive: signed", ipv4(hmacOf(Permissive, 1, 1)), ipv4(hmacOf(Permissive, 1, 1)), DropNone, nil},
		{"permissive: unsigned", ipv4(hmacOf(Permissive, 1, 1)), ipv4(), DropNone, []string{differs + from}},
		{"permissive: wrong key", ipv4(hmacOf(Permissive, 1, 1)), ipv4(forged), DropAuthFailed, []string{differs + ": authentication failed" + from}},
		{"receive-only: unsigned", ipv4(hmacOf(ReceiveOnly, 1, 1)), ipv4(), DropNone, nil},
		{"receive-only: signed", ipv4(hmacOf(ReceiveOnly, 1, 1)), ipv4(hmacOf(Permissive, 1, 1)), DropNone, nil},
		{"receive-only: wrong key", ipv4(hmacOf(ReceiveOnly, 1, 1)), ipv4(forged), DropAuthFailed, []string{differs + ": authentication failed" + from}},
		{"no keys: signed", ipv4(), ipv4(hmacOf(Enforce, 1, 1)), DropNone, []string{differs + from}},
		{"rotation: the next key", ipv4(hmacOf(Enforce, 1, 1, 2)), ipv4(hmacOf(Enforce, 2, 1, 2)), DropNone, nil},
		{"rotation: the old key", ipv4(hmacOf(Enforce, 2, 1, 2)), ipv4(hmacOf(Enforce, 1, 1)), DropNone, nil},
		{"version 2", version2(hmacOf(Enforce, 1, 1)), version2(hmacOf(Enforce, 1, 1)), DropNone, nil},
		{"version 2: unsigned", version2(hmacOf(Enforce, 1, 1)), version2(), DropAuthType, []string{differs + ": wrong authentication type" + from}},
		{"other virtual router's advert", ipv4(hmacOf(Enforce, 1, 1)), ipv4(hmacOf(Enforce, 1, 1), func(c *Config) { c.VRID = 52 }), DropVRID, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := backup(t, c.ours)
			n.do(Received(signed(t, n, higher, c.theirs)), c.want...)
			got := n.Counters()
			if c.drop == DropNone && got.Received != 1 || c.drop != DropNone && got.Dropped[c.drop] != 1 {
				t.Errorf("counters %+v, want %s", got, c.drop)
			}
		})
	}
}

// A trailer is bound to the sender's address.
func TestHMAC_BoundToTheSource(t *testing.T) {
	n := backup(t, ipv4(hmacOf(Enforce, 1, 1)))
	p := signed(t, n, higher, ipv4(hmacOf(Enforce, 1, 1)))
	p.Src = lower
	putChecksum(p.Payload, 0)
	putChecksum(p.Payload, Checksum(p.Payload[:12]))
	n.do(Received(p), "report: peer authenticates differently: authentication failed (192.0.2.9 priority 200)")
}

// ReceiveOnly sends what nodes without auth_hmac send.
func TestHMAC_ReceiveOnlySendsUnsigned(t *testing.T) {
	plain, silent := place(t, ipv4()), place(t, ipv4(hmacOf(ReceiveOnly, 1, 1)))
	a, b := plain.AppendAdvert(nil, begin, Group4, 100), silent.AppendAdvert(nil, begin, Group4, 100)
	if !bytes.Equal(a, b) {
		t.Errorf("sent\n%x, want\n%x", b, a)
	}
}
