package balance

import (
	"net/netip"
	"testing"
)

func TestEndpoint_IsReadAsItIsWritten(t *testing.T) {
	for _, e := range []Endpoint{
		{netip.MustParseAddrPort("192.0.2.10:443"), TCP},
		{netip.MustParseAddrPort("[2001:db8::10]:53"), UDP},
	} {
		b, err := e.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		var got Endpoint
		if err := got.UnmarshalBinary(b); err != nil || got != e {
			t.Errorf("%s was read as %v, %v", b, got, err)
		}
	}
	for _, text := range []string{"", "192.0.2.10:443", "192.0.2.10/tcp", "192.0.2.10:443/sctp"} {
		if err := new(Endpoint).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}
