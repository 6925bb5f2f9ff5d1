package vote

import (
	"net/netip"
	"testing"
	"time"
)

func TestTermOf(t *testing.T) {
	for interval, want := range map[time.Duration]time.Duration{
		10 * time.Millisecond: 100 * time.Millisecond,
		50 * time.Millisecond: 150 * time.Millisecond,
		time.Second:           3 * time.Second,
		40 * time.Second:      MaxTerm,
	} {
		if got := TermOf(interval); got != want {
			t.Errorf("%s: %s, not %s", interval, got, want)
		}
	}
}

// Nodes write their groups in any order; an address more is still the group.
func TestKeyOf(t *testing.T) {
	addrs := func(s ...string) (out []netip.Addr) {
		for _, x := range s {
			out = append(out, netip.MustParseAddr(x))
		}
		return out
	}
	a := Member{51, addrs("192.0.2.10", "192.0.2.11", "2001:db8::10", "fe80::1")}
	b := Member{52, addrs("192.0.2.9")}
	want := KeyOf(a, b)
	same := map[string]Key{
		"another order":      KeyOf(b, a),
		"alone":              KeyOf(a),
		"addresses turned":   KeyOf(Member{51, addrs("fe80::1", "2001:db8::10", "192.0.2.11", "192.0.2.10")}),
		"an address more":    KeyOf(Member{51, addrs("192.0.2.10", "192.0.2.200")}),
		"and one group more": KeyOf(a, b, Member{60, addrs("192.0.2.1")}),
	}
	for name, got := range same {
		if got != want {
			t.Errorf("%s: another key", name)
		}
	}
	other := map[string]Key{
		"another id":            KeyOf(Member{50, a.Addresses}),
		"another subnet":        KeyOf(Member{51, addrs("198.51.100.10")}),
		"link-local comes last": KeyOf(Member{51, addrs("fe80::1", "2001:db8::10")}),
		"nothing":               KeyOf(),
	}
	for name, got := range other {
		if got == want {
			t.Errorf("%s: the same key", name)
		}
	}
}

func TestGateway(t *testing.T) {
	g := NewGateway(3 * time.Second)
	at := Instant(time.Hour)
	first, next := g.Ask(at)
	if next != at+Instant(time.Second) {
		t.Errorf("the next question is due in %s", next.sub(at))
	}
	if g.Answered(first + 1); g.Until() != 0 {
		t.Error("an answer to what was not asked counts")
	}
	g.Answered(first)
	if want := at.add(counted(3 * time.Second)); g.Until() != want {
		t.Errorf("until %d, not %d: it counts from when it was asked", g.Until(), want)
	}
	for range 4 {
		at += Instant(time.Second)
		g.Ask(at)
	}
	was := g.Until()
	if g.Answered(first); g.Until() != was {
		t.Error("an answer that is four questions late counts")
	}
}
