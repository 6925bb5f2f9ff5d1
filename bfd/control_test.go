package bfd

import (
	"bytes"
	"encoding/hex"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A packet written down by hand from the drawing of RFC 5880 §4.1.
var wireCase = struct {
	wire string
	c    Control
}{
	"21e80318" + "0000000b" + "00000016" + "00002710" + "00004e20" + "00000000",
	Control{
		Diag: DiagExpired, State: Up, Poll: true, Independent: true, DetectMult: 3,
		MyDiscriminator: 11, YourDiscriminator: 22, DesiredMinTx: 10 * time.Millisecond, RequiredMinRx: 20 * time.Millisecond,
	},
}

//conformance:5880-4.1-format positive
func TestControl_IsReadAndWritten(t *testing.T) {
	b, err := hex.DecodeString(wireCase.wire)
	if err != nil {
		t.Fatal(err)
	}
	var got Control
	if auth, drop := got.Decode(b); drop != DropNone || auth != nil {
		t.Fatalf("%s, section %x", drop, auth)
	}
	if diff := cmp.Diff(wireCase.c, got); diff != "" {
		t.Errorf("read (-want +got):\n%s", diff)
	}
	if out := wireCase.c.Append(nil); !bytes.Equal(out, b) {
		t.Errorf("wrote\n%x, want\n%x", out, b)
	}
}

// Every form that is refused before a session is looked for, and only for the
// first of the reasons there may be.
//
//conformance:5880-6.8.6-version negative
//conformance:5880-6.8.6-length negative
//conformance:5880-6.8.6-payload negative
//conformance:5880-6.8.6-mult negative
//conformance:5880-6.8.6-multipoint negative
//conformance:5880-6.8.6-mydiscr negative
//conformance:5880-4.1-format negative
func TestControl_RefusesWhatIsNone(t *testing.T) {
	good := wireCase.c.Append(nil)
	tests := []struct {
		name   string
		change func(b []byte) []byte
		want   Drop
	}{
		{"nothing", func(b []byte) []byte { return nil }, DropTruncated},
		{"a version alone", func(b []byte) []byte { return b[:1] }, DropTruncated},
		{"version 0", func(b []byte) []byte { b[0] = 0; return b }, DropVersion},
		{"version 2, and too short", func(b []byte) []byte { b[0] = 0x40; return b[:2] }, DropVersion},
		{"length 23", func(b []byte) []byte { b[3] = 23; return b }, DropLength},
		{"length 24 with authentication", func(b []byte) []byte { b[1] |= bitAuth; return b }, DropLength},
		{"length 25 with authentication", func(b []byte) []byte { b[1] |= bitAuth; b[3] = 25; return b }, DropLength},
		{"longer than the datagram", func(b []byte) []byte { b[3] = 25; return b }, DropTruncated},
		{"cut off", func(b []byte) []byte { return b[:23] }, DropTruncated},
		{"multiplier 0", func(b []byte) []byte { b[2] = 0; return b }, DropMultiplier},
		{"multipoint", func(b []byte) []byte { b[1] |= bitMultipoint; return b }, DropMultipoint},
		{"no discriminator", func(b []byte) []byte { clear(b[4:8]); return b }, DropMyDiscriminator},
		{"everything wrong", func(b []byte) []byte { clear(b); return b }, DropVersion},
		{"all but the version wrong", func(b []byte) []byte { clear(b[1:]); return b }, DropLength},
		{"bytes behind", func(b []byte) []byte { return append(b, 1, 2, 3) }, DropNone},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var c Control
			if _, got := c.Decode(tt.change(bytes.Clone(good))); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

func TestControl_String(t *testing.T) {
	for want, c := range map[string]Control{
		"up (control detection time expired) poll x3 tx 10ms rx 20ms 11>22": wireCase.c,
		"admin down final demand x1 tx 0s rx 0s 0>0":                        {Final: true, Demand: true, DetectMult: 1},
	} {
		if got := c.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
