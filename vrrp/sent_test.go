package vrrp

import (
	"bytes"
	"net/netip"
	"testing"
	"time"
)

func sentBy(r *Router, at time.Time, dst netip.Addr, priority uint8) Sent {
	c := r.Config()
	return Sent{Family: c.Family, Src: c.Source, Dst: dst, Message: r.AppendAdvert(nil, at, dst, priority)}
}

func newRouter(t testing.TB, c Config) *Router {
	t.Helper()
	r, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// What Retract makes of an advert is what its sender would have said itself,
// byte for byte: with a signature too, for the same instant.
func TestSent_RetractsAsItsSenderWould(t *testing.T) {
	checksum := func(m ChecksumMode) func(*Config) { return func(c *Config) { c.Checksum = m } }
	begin := time.Unix(0x68000000, 0)
	later := begin.Add(700 * time.Millisecond)
	for name, c := range map[string]Config{
		"version 3":           ipv4(checksum(ChecksumRFC5798)),
		"message only":        ipv4(checksum(ChecksumRFC9568)),
		"IPv6":                ipv6(),
		"version 2":           version2(),
		"version 2, password": version2(func(c *Config) { c.Pass = "secret" }),
		"signed":              ipv4(hmacOf(Enforce, 3, 3, 4)),
		"signed, IPv6":        ipv6(hmacOf(Permissive, 3, 3, 4)),
		"receives only":       ipv4(hmacOf(ReceiveOnly, 3, 3)),
	} {
		t.Run(name, func(t *testing.T) {
			r := newRouter(t, c)
			for _, dst := range []netip.Addr{c.Family.Group(), higher, vip6} {
				if dst.Is4() != (c.Family == IPv4) {
					continue
				}
				s := sentBy(r, begin, dst, 100)
				got, err := s.Retract([]byte("before"), later, key(3))
				if err != nil {
					t.Fatal(err)
				}
				if want := r.AppendAdvert(nil, later, dst, 0); !bytes.Equal(got[6:], want) {
					t.Errorf("to %s\n%x, its sender says\n%x", dst, got[6:], want)
				}
			}
		})
	}
}

func TestSent_SequenceIsLaterThanTheAdverts(t *testing.T) {
	r := newRouter(t, ipv4(hmacOf(Enforce, 3, 3)))
	begin := time.Unix(0x68000000, 0)
	s := sentBy(r, begin, Group4, 100)
	for _, step := range []time.Duration{0, -time.Second, time.Minute} {
		b, err := s.Retract(nil, begin.Add(step), key(3))
		if err != nil {
			t.Fatal(err)
		}
		old, fresh := parseSequence(s.Message[len(s.Message)-24:]), parseSequence(b[len(b)-24:])
		if !fresh.after(old) {
			t.Errorf("%v later: sequence %x is not after %x", step, fresh, old)
		}
	}
}

func TestSent_Same(t *testing.T) {
	at := time.Unix(0x68000000, 0)
	for name, c := range map[string]Config{
		"plain": ipv4(), "IPv6": ipv6(), "signed": ipv4(hmacOf(Enforce, 3, 3)), "signed, IPv6": ipv6(hmacOf(Enforce, 3, 3)),
	} {
		r := newRouter(t, c)
		a, b := sentBy(r, at, c.Family.Group(), 100), sentBy(r, at.Add(time.Second), c.Family.Group(), 100)
		if !a.Same(b) {
			t.Errorf("%s: the next advert is another one", name)
		}
		if a.Same(sentBy(r, at, c.Family.Group(), 101)) {
			t.Errorf("%s: another priority is the same advert", name)
		}
		o := b
		o.Src = lower
		if a.Same(o) {
			t.Errorf("%s: another source is the same advert", name)
		}
	}
}

func TestSent_KeyIsNeeded(t *testing.T) {
	r := newRouter(t, ipv4(hmacOf(Enforce, 3, 3)))
	s := sentBy(r, time.Unix(0x68000000, 0), Group4, 100)
	if id, ok := s.KeyID(); id != 3 || !ok {
		t.Errorf("KeyID = %d, %t", id, ok)
	}
	if b, err := s.Retract(nil, time.Unix(0x68000001, 0), nil); err == nil || len(b) > 0 {
		t.Errorf("signed without a key: %x", b)
	}
	if id, ok := (Sent{Family: IPv4, Message: s.Message[:len(s.Message)-1]}).KeyID(); ok {
		t.Errorf("KeyID of a cut trailer = %d", id)
	}
}

// Whatever bytes are retracted: no panic, and what comes of it says priority 0.
func FuzzRetract(f *testing.F) {
	for _, v := range vectors {
		f.Add(unhex(f, v.wire), v.family == IPv6)
	}
	for _, c := range wireCases {
		f.Add(unhex(f, c.wire), c.family == IPv6)
	}
	f.Fuzz(func(t *testing.T, b []byte, six bool) {
		s := Sent{Family: IPv4, Src: self, Dst: Group4, Message: b}
		if six {
			s = Sent{Family: IPv6, Src: self6, Dst: Group6, Message: b}
		}
		if !s.Same(s) {
			t.Error("not the same as itself")
		}
		out, err := s.Retract(nil, time.Unix(0x68000000, 0), key(3))
		if err != nil {
			return
		}
		var a Advert
		if _, drop := a.Decode(out, s.Family); drop != DropNone || a.Priority != 0 {
			t.Errorf("%x: %s, priority %d", out, drop, a.Priority)
		}
	})
}
