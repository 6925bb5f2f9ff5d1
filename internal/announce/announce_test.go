package announce

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The virtual MAC addresses of VRID 51 (0x33), RFC 9568 §7.3.
var (
	mac4 = MAC{0x00, 0x00, 0x5e, 0x00, 0x01, 0x33}
	mac6 = MAC{0x00, 0x00, 0x5e, 0x00, 0x02, 0x33}
)

// TestFrames holds every kind of frame against one written by hand, field by
// field. The checksums were computed by another program.
func TestFrames(t *testing.T) {
	v4, v6 := netip.MustParseAddr("192.0.2.151"), netip.MustParseAddr("2001:db8::33")
	cases := []struct {
		name string
		got  []byte
		want string
	}{
		{"ARP request", AppendARPRequest(nil, mac4, v4), `
			ffffffffffff 00005e000133 0806  Ethernet: to all, from the virtual MAC, ARP
			0001 0800 06 04                 RFC 826: Ethernet, IPv4, lengths of their addresses
			0001                            request
			00005e000133 c0000297           sender: the virtual MAC has 192.0.2.151
			000000000000 c0000297           target: RFC 5227 section 2.3: the same address
		`},
		{"ARP reply", AppendARPReply(nil, mac4, v4), `
			ffffffffffff 00005e000133 0806
			0001 0800 06 04
			0002                            reply
			00005e000133 c0000297
			00005e000133 c0000297           target: RFC 5944 section 4.6: the same once more
		`},
		{"neighbour advertisement of a router", AppendNA(nil, mac6, v6, Router), `
			333300000001 00005e000233 86dd             RFC 2464 section 7: ff02::1 as MAC
			60000000 0020 3a ff                        RFC 8200 section 3: 32 bytes of ICMPv6, hop limit 255
			20010db8000000000000000000000033           source: the address itself
			ff020000000000000000000000000001           destination: all nodes
			88 00 1a94                                 RFC 4861 section 4.4: type 136, checksum
			a0000000                                   R and O; not S, as nobody asked
			20010db8000000000000000000000033           target
			02 01 00005e000233                         RFC 4861 section 4.6.1: target link-layer address
		`},
		{"neighbour advertisement of a host", AppendNA(nil, mac6, v6, Host), `
			333300000001 00005e000233 86dd
			60000000 0020 3a ff
			20010db8000000000000000000000033
			ff020000000000000000000000000001
			88 00 9a94
			20000000                                   O alone
			20010db8000000000000000000000033
			02 01 00005e000233
		`},
		{"with many carries in the checksum", AppendNA(nil, MAC{2, 0, 0, 0, 0, 1}, netip.MustParseAddr("fe80::ffff:ffff:ffff:ffff"), Host), `
			333300000001 020000000001 86dd
			60000000 0020 3a ff
			fe80000000000000ffffffffffffffff
			ff020000000000000000000000000001
			88 00 579d
			20000000
			fe80000000000000ffffffffffffffff
			02 01 020000000001
		`},
	}
	for _, c := range cases {
		if diff := cmp.Diff(frame(t, c.want), hex.EncodeToString(c.got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// frame reads hex from the beginning of each line; what is not hex ends it.
func frame(t *testing.T, text string) string {
	t.Helper()
	var out strings.Builder
	for line := range strings.Lines(text) {
		for _, word := range strings.Fields(line) {
			if _, err := hex.DecodeString(word); err != nil {
				break
			}
			out.WriteString(word)
		}
	}
	return out.String()
}

// The functions append: what is in the buffer stays.
func TestFrames_AreAppended(t *testing.T) {
	v4, v6 := netip.MustParseAddr("192.0.2.151"), netip.MustParseAddr("2001:db8::33")
	b := AppendARPRequest(nil, mac4, v4)
	at := len(b)
	b = AppendNA(b, mac6, v6, Router)
	if !bytes.Equal(b[:at], AppendARPRequest(nil, mac4, v4)) || !bytes.Equal(b[at:], AppendNA(nil, mac6, v6, Router)) {
		t.Errorf("got %x", b)
	}
}
