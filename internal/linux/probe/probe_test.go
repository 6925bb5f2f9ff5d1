package probe

import (
	"net/netip"
	"testing"
)

func TestStranger(t *testing.T) {
	for _, s := range []string{"192.0.2.10/24", "192.0.2.10/29", "10.1.2.3/8", "2001:db8::10/64", "fe80::10/125"} {
		p := netip.MustParsePrefix(s)
		for range 100 {
			a, ok := stranger(p)
			if !ok {
				continue // bad luck, which Verify survives
			}
			last := a
			if !p.Contains(a) || a == p.Addr() || a == p.Masked().Addr() || !p.Contains(last.Next()) {
				t.Errorf("stranger of %s is %s", p, a)
			}
		}
	}
	for _, s := range []string{"192.0.2.10/32", "192.0.2.10/31", "192.0.2.10/30", "2001:db8::10/128"} {
		if a, ok := stranger(netip.MustParsePrefix(s)); ok {
			t.Errorf("%s has a stranger, %s", s, a)
		}
	}
}

func FuzzParse(f *testing.F) {
	arp := append(make([]byte, 12), 8, 6, 0, 1, 8, 0, 6, 4, 0, 1)
	f.Add(append(arp, make([]byte, 20)...))
	f.Add(append(append(make([]byte, 12), 0x86, 0xdd, 0x60, 0, 0, 0, 0, 32, 58), make([]byte, 80)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, ok := parse(b); ok && !m.sender.IsValid() {
			t.Errorf("no sender in %x", b)
		}
	})
}
