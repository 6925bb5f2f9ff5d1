package filter

import (
	"net/netip"
	"testing"

	"github.com/google/nftables"
)

func TestWhere(t *testing.T) {
	for _, c := range []struct {
		addr   string
		family nftables.TableFamily
		want   string
		length int
	}{
		{"192.0.2.10", nftables.TableFamilyIPv4, "closed", 4},
		{"2001:db8::10", nftables.TableFamilyIPv6, "closed", 16},
		{"fe80::10", nftables.TableFamilyIPv6, "closed_link", 20},
	} {
		id, key := where(Key{Addr: netip.MustParseAddr(c.addr), Index: 2})
		if id.family != c.family || id.name != c.want || len(key) != c.length {
			t.Errorf("%s: %v with a key of %d bytes, want %s of family %v with %d", c.addr, id, len(key), c.want, c.family, c.length)
		}
	}
}

func TestIdentity(t *testing.T) {
	global, local := netip.MustParseAddr("2001:db8::10"), netip.MustParseAddr("fe80::10")
	if identity(Key{global, 2}) != identity(Key{global, 3}) {
		t.Error("the interface of a global address makes a difference")
	}
	if identity(Key{local, 2}) == identity(Key{local, 3}) {
		t.Error("the interface of a link-local address makes no difference")
	}
	if identity(Key{local.WithZone("eth0"), 2}) != identity(Key{local, 2}) {
		t.Error("the zone of an address makes a difference")
	}
}
