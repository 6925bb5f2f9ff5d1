package vrrp

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var addrs = cmpopts.EquateComparable(netip.Addr{})

// wireCases are adverts byte for byte; tshark finds their checksums good.
var wireCases = []struct {
	name   string
	family Family
	dst    string
	mode   ChecksumMode
	advert Advert
	src    string
	wire   string
}{
	{
		"version 3 ipv4, message-only checksum", IPv4, "224.0.0.18", ChecksumRFC9568,
		Advert{Version: 3, VRID: 51, Priority: 200, Interval: time.Second, Addresses: list("192.0.2.100")},
		"198.51.100.10",
		"31 33 c8 01 0064 4402 c0000264",
	},
	{
		// The same sum plus c633+640a+e000+0012+0070+000c of the pseudo-header.
		"version 3 ipv4, checksum with pseudo-header", IPv4, "224.0.0.18", ChecksumRFC5798,
		Advert{Version: 3, VRID: 51, Priority: 200, Interval: time.Second, Addresses: list("192.0.2.100")},
		"198.51.100.10",
		"31 33 c8 01 0064 3935 c0000264",
	},
	{
		"version 3 ipv6", IPv6, "ff02::12", ChecksumAuto,
		Advert{Version: 3, VRID: 1, Priority: 255, Interval: 10 * time.Millisecond, Addresses: list("fe80::1", "2001:db8::1")},
		"fe80::2",
		"31 01 ff 02 0001 a58e fe800000000000000000000000000001 20010db8000000000000000000000001",
	},
	{
		"version 3, longest interval", IPv4, "224.0.0.18", ChecksumRFC9568,
		Advert{Version: 3, VRID: 255, Priority: 1, Interval: MaxInterval, Addresses: list("10.0.0.1")},
		"10.0.0.2",
		"31 ff 01 01 0fff b2ff 0a000001",
	},
	{
		"version 2", IPv4, "224.0.0.18", ChecksumAuto,
		Advert{Version: 2, VRID: 51, Priority: 200, Interval: time.Second, Addresses: list("192.0.2.100", "192.0.2.101")},
		"198.51.100.10",
		"21 33 c8 02 00 01 91fe c0000264 c0000265 0000000000000000",
	},
	{
		"version 2 with a password", IPv4, "224.0.0.18", ChecksumAuto,
		Advert{
			Version: 2, VRID: 51, Priority: 200, Interval: time.Second, Addresses: list("192.0.2.100"),
			AuthType: 1, AuthData: [8]byte{'s', 'e', 'c', 'r', 'e', 't'},
		},
		"198.51.100.10",
		"21 33 c8 01 01 01 1719 c0000264 736563 726574 0000",
	},
}

func list(s ...string) []netip.Addr {
	var out []netip.Addr
	for _, a := range s {
		out = append(out, netip.MustParseAddr(a))
	}
	return out
}

//conformance:9568-7.2-fill positive
//conformance:9568-5.2.6-reserve-send positive
//conformance:9568-5.2.8-checksum positive
//conformance:3768-7.2-fill positive
//conformance:3768-5.3.10-zero positive
//conformance:unh-4.9 positive
func TestAdvert_OnTheWire(t *testing.T) {
	for _, c := range wireCases {
		t.Run(c.name, func(t *testing.T) {
			want := unhex(t, c.wire)
			got := c.advert.Append([]byte("before"), netip.MustParseAddr(c.src), netip.MustParseAddr(c.dst), c.mode)
			if !bytes.Equal(got[6:], want) {
				t.Errorf("sent\n%x, want\n%x", got[6:], want)
			}
			var back Advert
			n, drop := back.Decode(want, c.family)
			if n != len(want) || drop != DropNone {
				t.Errorf("read %d of %d bytes: %s", n, len(want), drop)
			}
			back.Checksum = 0
			if diff := cmp.Diff(c.advert, back, addrs); diff != "" {
				t.Errorf("read back (-want +got):\n%s", diff)
			}
		})
	}
}

// What a router sends is what its configuration says.
//
//conformance:9568-7.2-fill positive
//conformance:9568-5.2.9-linklocal-first positive
//conformance:3768-7.2-fill positive
func TestRouter_SendsItsConfiguration(t *testing.T) {
	for _, c := range wireCases {
		t.Run(c.name, func(t *testing.T) {
			cfg := Config{
				VRID: c.advert.VRID, Family: c.family, Version: c.advert.Version, Priority: c.advert.Priority,
				Interval: c.advert.Interval, Addresses: c.advert.Addresses, Source: netip.MustParseAddr(c.src),
				Checksum: c.mode, Pass: strings.TrimRight(string(c.advert.AuthData[:]), "\x00"),
			}
			n := place(t, cfg)
			got := n.AppendAdvert(nil, n.now, netip.MustParseAddr(c.dst), c.advert.Priority)
			if want := unhex(t, c.wire); !bytes.Equal(got, want) {
				t.Errorf("sent\n%x, want\n%x", got, want)
			}
		})
	}
}

// The four reserved bits say nothing.
//
//conformance:9568-5.2.6-reserve-receive positive
func TestAdvert_ReservedBitsAreIgnored(t *testing.T) {
	n := backup(t, ipv4())
	n.wait(time.Second)
	b := n.advert(200)
	payload := b.Append(nil, higher, Group4, ChecksumRFC9568)
	payload[4] |= 0xf0
	putChecksum(payload, 0)
	putChecksum(payload, Checksum(payload))
	n.do(Received(&Packet{Src: higher, Dst: Group4, TTL: 255, Payload: payload}),
		"report: peer uses the other checksum form (192.0.2.20 priority 200)")
	n.due(down100)
}

// Authentication data of a sender without authentication is ignored.
//
//conformance:3768-5.3.10-ignore positive
func TestAdvert_AuthenticationDataIsIgnoredWithoutAuthentication(t *testing.T) {
	n := backup(t, version2())
	n.wait(time.Second)
	a := n.advert(200)
	a.AuthData = [8]byte{1, 2, 3}
	n.hearAdvert(higher, a)
	n.due(down100)
}

// Every message cut short is truncated, and never anything worse.
//
//conformance:9568-7.1-length negative
//conformance:3768-7.1-length negative
//conformance:unh-4.3 negative
func TestAdvert_Truncated(t *testing.T) {
	for _, c := range wireCases {
		whole := unhex(t, c.wire)
		for n := range whole {
			var a Advert
			if got, drop := a.Decode(whole[:n], c.family); drop != DropTruncated || got != 0 {
				t.Errorf("%s cut to %d bytes: read %d: %s", c.name, n, got, drop)
			}
		}
	}
}

// Decode says where the message ends, so that padding and trailers are found.
//
//conformance:9568-7.1-length positive
//conformance:3768-7.1-length positive
//conformance:unh-4.3 positive
func TestAdvert_Padded(t *testing.T) {
	for _, c := range wireCases {
		whole := unhex(t, c.wire)
		var a Advert
		if n, drop := a.Decode(append(bytes.Clone(whole), make([]byte, 30)...), c.family); n != len(whole) || drop != DropNone {
			t.Errorf("%s with padding: read %d of %d: %s", c.name, n, len(whole), drop)
		}
	}
}

func TestAdvert_OtherVersionsAndTypes(t *testing.T) {
	for _, c := range []struct {
		first  byte
		family Family
		want   Drop
	}{
		{0x41, IPv4, DropVersion},
		{0x11, IPv4, DropVersion},
		{0x01, IPv4, DropVersion},
		{0x21, IPv6, DropVersion},
		{0x30, IPv4, DropType},
		{0x32, IPv4, DropType},
		{0x3f, IPv6, DropType},
		{0x22, IPv4, DropType},
	} {
		var a Advert
		if _, got := a.Decode([]byte{c.first, 1, 100, 0, 0, 100, 0, 0}, c.family); got != c.want {
			t.Errorf("first byte %#02x over %s: %s, want %s", c.first, c.family, got, c.want)
		}
	}
}

// The memory of the address list is used again.
func TestAdvert_DecodeReusesMemory(t *testing.T) {
	var a Advert
	long, short := unhex(t, wireCases[4].wire), unhex(t, wireCases[0].wire)
	a.Decode(long, IPv4)
	first := &a.Addresses[0]
	a.Decode(short, IPv4)
	if len(a.Addresses) != 1 || &a.Addresses[0] != first {
		t.Errorf("decoded %v into new memory", a.Addresses)
	}
}

// 255 addresses fill the count.
func TestAdvert_ManyAddresses(t *testing.T) {
	for _, count := range []int{1, 254, 255, 300} {
		a := Advert{Version: 3, VRID: 1, Priority: 1, Interval: time.Second}
		for i := range count {
			a.Addresses = append(a.Addresses, netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}))
		}
		b := a.Append(nil, self, Group4, ChecksumAuto)
		var back Advert
		if _, drop := back.Decode(b, IPv4); drop != DropNone || len(back.Addresses) != min(count, 255) {
			t.Errorf("%d addresses: read %d: %s", count, len(back.Addresses), drop)
		}
	}
}
