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

// An answer counts from when it was asked for, once.
func TestGateway(t *testing.T) {
	const term = 3 * time.Second
	g := NewGateway(term)
	at := Instant(time.Hour)
	if g.Answered(at); g.Until() != 0 {
		t.Error("an answer to what was not asked counts")
	}
	g.Ask(at)
	if g.Next() != at+Instant(time.Second) || !g.Silent() {
		t.Errorf("the next question is due in %s", g.Next().sub(at))
	}
	g.Answered(at + 1)
	if want := at.add(counted(term)); g.Until() != want || g.Silent() {
		t.Errorf("until %d, not %d: it counts from when it was asked", g.Until(), want)
	}
	was := g.Until()
	if g.Answered(at + 2); g.Until() != was {
		t.Error("one question has two answers")
	}
}

// Where more than one question may be meant the oldest is, and the next one
// makes it certain. What would be over already is not meant.
func TestGateway_Losses(t *testing.T) {
	const term = 3 * time.Second
	g := NewGateway(term)
	at := Instant(time.Hour)
	g.Ask(at)
	g.Ask(at.add(time.Second))
	now := at.add(1500 * time.Millisecond)
	g.Answered(now)
	if want := at.add(counted(term)); g.Until() != want || g.Next() != now {
		t.Errorf("until %d, not %d; the next question is due in %s", g.Until(), want, g.Next().sub(now))
	}
	for i := range 9 { // one is lost after the other
		g.Ask(at.add(time.Duration(i+2) * time.Second))
	}
	last := at.add(10 * time.Second)
	g.Answered(last + 1)
	if left := g.Until().sub(last); left > counted(term) || left < 0 {
		t.Errorf("it may hold for %s", left)
	}
}
