package wire

import (
	"encoding/hex"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// Frames that keepalived 2.2.7 sent, kept here so that the decoder is measured
// against something that it did not make.
func TestAdverts_DecodesWhatKeepalivedSends(t *testing.T) {
	tests := []struct {
		name, frame string
		want        Advert
	}{
		{
			name:  "version 3",
			frame: "01005e00001202000000000a080045c0002000010000ff701899c0000201e00000123133c801000aa225c000020a",
			want: Advert{
				SrcMAC: "02:00:00:00:00:0a", Src: netip.MustParseAddr("192.0.2.1"), Dst: Group4, TTL: 255, TOS: 0xc0,
				Version: 3, ID: 51, Priority: 200, Interval: 100 * time.Millisecond, Form: PseudoHeader,
				Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.10")},
			},
		},
		{
			name:  "version 2 with password",
			frame: "01005e00001202000000000a080045c0002800010000ff701891c0000201e00000122133c801010117a5c000020a7333637265740000",
			want: Advert{
				SrcMAC: "02:00:00:00:00:0a", Src: netip.MustParseAddr("192.0.2.1"), Dst: Group4, TTL: 255, TOS: 0xc0,
				Version: 2, ID: 51, Priority: 200, Interval: time.Second, Form: MessageOnly,
				Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.10")}, AuthType: 1, Auth: "s3cret\x00\x00",
			},
		},
		{
			name:  "version 3 with IPv6",
			frame: "33330000001202000000000a86dd6c0bbe6a002870fffe80000000000000000000fffe00000aff0200000000000000000000000000123133c802000add2dfe80000000000000000000000000001020010db8000000000000000000000010",
			want: Advert{
				SrcMAC: "02:00:00:00:00:0a", Src: netip.MustParseAddr("fe80::ff:fe00:a"), Dst: netip.MustParseAddr("ff02::12"), TTL: 255, TOS: 0xc0,
				Version: 3, ID: 51, Priority: 200, Interval: 100 * time.Millisecond, Form: PseudoHeader,
				Addresses: []netip.Addr{netip.MustParseAddr("fe80::10"), netip.MustParseAddr("2001:db8::10")},
			},
		},
		{
			name:  "version 3 with a wrong checksum",
			frame: "01005e00001202000000000a080045c0002000010000ff701899c0000201e00000123133c801000aa226c000020a",
			want: Advert{
				SrcMAC: "02:00:00:00:00:0a", Src: netip.MustParseAddr("192.0.2.1"), Dst: Group4, TTL: 255, TOS: 0xc0,
				Version: 3, ID: 51, Priority: 200, Interval: 100 * time.Millisecond, Form: BadChecksum,
				Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.10")},
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			data, err := hex.DecodeString(tt.frame)
			if err != nil {
				t.Fatal(err)
			}
			got := Adverts([]Frame{{Data: data}})
			if diff := cmp.Diff([]Advert{tt.want}, got, cmpopts.EquateComparable(netip.Addr{}), cmpopts.IgnoreFields(Advert{}, "At")); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestMessage_HasTheFormAskedFor(t *testing.T) {
	src, vip := netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("192.0.2.10")
	for _, want := range []Form{MessageOnly, PseudoHeader, BadChecksum} {
		m := Message(src, Group4, 51, 200, time.Second, want, vip)
		if got := form(src, Group4, m); got != want {
			t.Errorf("form %q, want %q", got, want)
		}
	}
}
