package macvlan

import (
	"testing"

	"github.com/holdfast-net/holdfast/vrrp"
)

func TestName(t *testing.T) {
	for _, c := range []struct {
		family vrrp.Family
		parent int
		vrid   uint8
		want   string
	}{
		{vrrp.IPv4, 2, 51, "hf4-2-51"},
		{vrrp.IPv6, 1234567, 255, "hf6-1234567-255"},
		{vrrp.IPv4, 2147483647, 255, "hf4-zik0zj-255"},
	} {
		name := Name(c.family, c.parent, c.vrid)
		if name != c.want || len(name) > maxName {
			t.Errorf("name %q, want %q of at most %d", name, c.want, maxName)
		}
		f, vrid, ok := ParseName(name)
		if !ok || f != c.family || vrid != c.vrid {
			t.Errorf("%s means IPv%d VRID %d (%v), want IPv%d VRID %d", name, f, vrid, ok, c.family, c.vrid)
		}
	}
	for _, name := range []string{"eth0", "hf4-", "hf5-2-51", "hf4-2-256", "hf4-2-x", "vrrp.51"} {
		if _, _, ok := ParseName(name); ok {
			t.Errorf("%s counts as ours", name)
		}
	}
}

func TestMAC(t *testing.T) {
	if got, want := MAC(vrrp.IPv4, 51), [6]byte{0, 0, 0x5e, 0, 1, 51}; got != want {
		t.Errorf("IPv4: %x, want %x", got, want)
	}
	if got, want := MAC(vrrp.IPv6, 51), [6]byte{0, 0, 0x5e, 0, 2, 51}; got != want {
		t.Errorf("IPv6: %x, want %x", got, want)
	}
}
