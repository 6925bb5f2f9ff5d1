package peer

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-net/holdfast/vrrp"
)

// sent is when every message is sent.
var sent = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

var key = Key{ID: 2, Keys: map[uint8][]byte{1: []byte("the old one"), 2: []byte("the new one")}, Window: 5 * time.Second}

func take() Call {
	return Call{Family: vrrp.IPv4, VRID: 51, From: "lb1", To: "lb2", Sent: sent, Kind: KindTake}
}

func ask() Call {
	return Call{Kind: KindAsk, Family: vrrp.IPv4, VRID: 51, Priority: 150, From: "lb1", Sent: sent}
}

func yield() Call { return Call{Kind: KindYield, Family: vrrp.IPv4, VRID: 51, From: "lb1", Sent: sent} }

// The messages byte by byte, as the package documentation has them.
func TestMessages_OnTheWire(t *testing.T) {
	const when = "1a46e83335d50000" // 2030-01-01 in nanoseconds since 1970
	hello := Hello{Family: vrrp.IPv6, From: "lb1", Sent: sent, Entries: []Entry{{51, 2, 150}, {52, 1, 100}}, Hears: []string{"lb2", "w"}}
	cases := []struct {
		name string
		got  []byte
		want []string
	}{
		{"hello", hello.Append(nil), []string{
			"48465031 01 06 00 00", when, "03 00 0002", "6c6231",
			"33 02 96", "34 01 64", "02 03 6c6232 01 77",
		}},
		{"take", take().Append(nil, Key{}), []string{
			"48465031 02 04 33 00", when, "03 03 0000", "6c6231 6c6232", "00000000",
		}},
		{"next", Call{Kind: KindNext, Family: vrrp.IPv6, VRID: 51, From: "lb1", To: "lb2", Sent: sent}.Append(nil, Key{}), []string{
			"48465031 03 06 33 00", when, "03 03 0000", "6c6231 6c6232", "00000000",
		}},
		{"hello of a node that has just started", Hello{Family: vrrp.IPv4, From: "lb1", New: true, Sent: sent}.Append(nil), []string{
			"48465031 01 04 01 00", when, "03 00 0000", "6c6231", "00",
		}},
		{"ask", ask().Append(nil, Key{}), []string{
			"48465031 04 04 33 00", when, "03 00 0096", "6c6231", "00000000",
		}},
		{"yield", yield().Append(nil, Key{}), []string{
			"48465031 05 04 33 00", when, "03 00 0000", "6c6231", "00000000",
		}},
		{"signed take", take().Append(nil, key), []string{
			"48465031 02 04 33 02", when, "03 03 0000", "6c6231 6c6232", "00000000",
			"11c055765accc3512c9243f0ebc5795e5798c6f83b473c0f5d14922dd2c40fde", // computed by another program
		}},
	}
	for _, c := range cases {
		want := strings.ReplaceAll(strings.Join(c.want, ""), " ", "")
		if diff := cmp.Diff(want, hex.EncodeToString(c.got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestHello_RoundTrip(t *testing.T) {
	many := make([]Entry, 300)
	for i := range many {
		many[i] = Entry{uint8(i), uint8(i % 4), uint8(255 - i%256)}
	}
	long := strings.Repeat("n", 100)
	cases := []struct{ in, want Hello }{
		{Hello{Family: vrrp.IPv4, From: "a", Sent: sent}, Hello{Family: vrrp.IPv4, From: "a", Sent: sent}},
		{Hello{Family: vrrp.IPv4, From: "a", New: true, Sent: sent}, Hello{Family: vrrp.IPv4, From: "a", New: true, Sent: sent}},
		{
			Hello{Family: vrrp.IPv6, From: long, Sent: sent, Entries: many},
			Hello{Family: vrrp.IPv6, From: long[:63], Sent: sent, Entries: many[:255]},
		},
	}
	for _, c := range cases {
		b := c.in.Append([]byte("before"))[len("before"):]
		if len(b) > MaxSize {
			t.Errorf("%d bytes, at most %d are said to be sent", len(b), MaxSize)
		}
		kind, err := KindOf(b)
		if kind != KindHello || err != nil {
			t.Errorf("kind %d, %v", kind, err)
		}
		got, err := DecodeHello(b, nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if _, err := DecodeCall(b); !errors.Is(err, ErrMalformed) {
			t.Errorf("read as a call: %v", err)
		}
	}
}

// Entries are appended: a reader that keeps its memory allocates nothing.
func TestHello_ReusesMemory(t *testing.T) {
	b := Hello{Family: vrrp.IPv4, From: "a", Sent: sent, Entries: []Entry{{51, 2, 150}}}.Append(nil)
	into := make([]Entry, 0, 8)
	h, err := DecodeHello(b, into)
	if err != nil || len(h.Entries) != 1 || &h.Entries[0] != &into[:1][0] {
		t.Errorf("got %v, %v", h, err)
	}
}

func TestCall_RoundTrip(t *testing.T) {
	best := take()
	best.To = ""
	for _, k := range []Key{{}, key} {
		for _, in := range []Call{take(), best, ask(), yield()} {
			b := in.Append([]byte("before"), k)[len("before"):]
			got, err := DecodeCall(b)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(in, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if kind, err := KindOf(b); kind != in.Kind || !kind.IsCall() || err != nil {
				t.Errorf("kind %d, %v", kind, err)
			}
			if err := k.Verify(b, got, sent.Add(time.Second)); err != nil {
				t.Errorf("cannot verify: %v", err)
			}
			if _, err := DecodeHello(b, nil); !errors.Is(err, ErrMalformed) {
				t.Errorf("read as a hello: %v", err)
			}
		}
	}
}

// What a node does not know, it does not take for a call.
func TestKind_IsCall(t *testing.T) {
	for kind, want := range map[Kind]bool{0: false, KindHello: false, KindTake: true, KindNext: true, KindAsk: true, KindYield: true, KindRest: true, 7: false, 255: false} {
		if kind.IsCall() != want {
			t.Errorf("kind %d is a call: %t", kind, !want)
		}
	}
}

// The priority of a request is what the holder decides by, so a signature
// covers it.
func TestVerify_CoversThePriority(t *testing.T) {
	b := ask().Append(nil, key)
	b[19] = 255
	got, err := DecodeCall(b)
	if err != nil || got.Priority != 255 {
		t.Fatalf("got %+v, %v", got, err)
	}
	if err := key.Verify(b, got, sent); !errors.Is(err, ErrSignature) {
		t.Errorf("got %v, want %v", err, ErrSignature)
	}
}

// No message is accepted when a part of it is missing.
func TestDecode_Truncated(t *testing.T) {
	hello := Hello{Family: vrrp.IPv4, From: "lb1", Sent: sent, Entries: []Entry{{51, 2, 150}, {52, 1, 100}}}.Append(nil)
	for n := range hello {
		if h, err := DecodeHello(hello[:n], nil); err == nil {
			t.Errorf("%d of %d bytes are a hello: %+v", n, len(hello), h)
		}
	}
	b := take().Append(nil, Key{})
	for n := range b {
		if got, err := DecodeCall(b[:n]); err == nil {
			t.Errorf("%d of %d bytes are a call: %+v", n, len(b), got)
		}
	}
	b = take().Append(nil, key)
	for n := range b {
		got, err := DecodeCall(b[:n])
		if err == nil {
			err = key.Verify(b[:n], got, sent)
		}
		if err == nil {
			t.Errorf("%d of %d bytes are a signed call", n, len(b))
		}
	}
}

func TestDecode_Refuses(t *testing.T) {
	good := take().Append(nil, Key{})
	cases := []struct {
		name  string
		spoil func([]byte)
		want  error
	}{
		{"magic", func(b []byte) { b[3] = '2' }, ErrNotOurs},
		{"kind", func(b []byte) { b[4] = byte(KindRest + 1) }, ErrMalformed},
		{"kind of a hello", func(b []byte) { b[4] = 1 }, ErrMalformed},
		{"family", func(b []byte) { b[5] = 5 }, ErrMalformed},
		{"no VRID", func(b []byte) { b[6] = 0 }, ErrMalformed},
		{"no name", func(b []byte) { b[16] = 0 }, ErrMalformed},
		{"a name too long", func(b []byte) { b[16] = 64 }, ErrMalformed},
		{"a successor too long", func(b []byte) { b[17] = 64 }, ErrMalformed},
		{"too many entries", func(b []byte) { b[18] = 1 }, ErrMalformed},
	}
	for _, c := range cases {
		b := bytes.Clone(good)
		c.spoil(b)
		if _, err := DecodeCall(b); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
}

// A later version may add to the end of a message: what is there is read.
func TestDecode_IgnoresWhatFollows(t *testing.T) {
	b := append(take().Append(nil, key), "more"...)
	got, err := DecodeCall(b)
	if err != nil {
		t.Fatal(err)
	}
	if err := key.Verify(b, got, sent); err != nil {
		t.Error(err)
	}
}

// A signed call that was touched, kept, or not signed by us moves nothing.
func TestVerify_Refuses(t *testing.T) {
	good := take().Append(nil, key)
	old := Key{ID: 1, Keys: key.Keys, Window: key.Window}
	other := Key{ID: 2, Keys: map[uint8][]byte{2: []byte("another")}}
	cases := []struct {
		name string
		b    []byte
		key  Key
		now  time.Time
		want error
	}{
		{"as it is", good, key, sent, nil},
		{"signed with the key before", take().Append(nil, old), key, sent, nil},
		{"where nothing is signed", good, Key{}, sent.Add(time.Hour), nil},
		{"at the edge", good, key, sent.Add(key.Window), nil},
		{"at the other edge", good, key, sent.Add(-key.Window), nil},
		{"too late", good, key, sent.Add(key.Window + time.Nanosecond), ErrStale},
		{"too early", good, key, sent.Add(-key.Window - time.Nanosecond), ErrStale},
		{"another secret", take().Append(nil, other), key, sent, ErrSignature},
		{"not signed", take().Append(nil, Key{}), key, sent, ErrUnsigned},
		{"an unknown key", take().Append(nil, Key{ID: 7, Keys: map[uint8][]byte{7: {1}}}), key, sent, ErrUnsigned},
		{"key 0", take().Append(nil, Key{ID: 0, Keys: map[uint8][]byte{0: nil}}), Key{Keys: map[uint8][]byte{0: nil}}, sent, ErrUnsigned},
		{"not a message", []byte("hello"), key, sent, ErrNotOurs},
	}
	for _, c := range cases {
		got, _ := DecodeCall(c.b)
		if err := c.key.Verify(c.b, got, c.now); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
	for i := range good {
		b := bytes.Clone(good)
		b[i] ^= 1
		got, err := DecodeCall(b)
		if err == nil {
			err = key.Verify(b, got, sent)
		}
		if err == nil {
			t.Errorf("a flipped bit in byte %d is not noticed", i)
		}
	}
}

// FuzzDecode reads anything. What is read is written the same again.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(nil))
	f.Add(Hello{Family: vrrp.IPv4, From: "lb1", Sent: sent, Entries: []Entry{{51, 2, 150}}}.Append(nil))
	f.Add(take().Append(nil, Key{}))
	f.Add(take().Append(nil, key))
	f.Add(ask().Append(nil, key))
	f.Add(yield().Append(nil, Key{}))
	f.Add(Call{Kind: KindNext, Family: vrrp.IPv6, VRID: 1, From: "a", To: "b", Sent: sent}.Append(nil, key))
	f.Fuzz(func(t *testing.T, b []byte) {
		kind, kerr := KindOf(b)
		if h, err := DecodeHello(b, nil); err == nil {
			if kind != KindHello || kerr != nil {
				t.Errorf("a hello is of kind %d, %v", kind, kerr)
			}
			if again, err := DecodeHello(h.Append(nil), nil); err != nil || !cmp.Equal(h, again) {
				t.Errorf("%+v became %+v, %v", h, again, err)
			}
		}
		if k, err := DecodeCall(b); err == nil {
			if !kind.IsCall() || kerr != nil {
				t.Errorf("a call is of kind %d, %v", kind, kerr)
			}
			if again, err := DecodeCall(k.Append(nil, key)); err != nil || k != again {
				t.Errorf("%+v became %+v, %v", k, again, err)
			}
			n := headerSize + len(k.From) + len(k.To) + callSize
			signed := Key{ID: b[7], Keys: key.Keys}.sign(bytes.Clone(b[:n]), 0)
			if err := key.Verify(b, k, k.Sent); err == nil && !bytes.HasPrefix(b, signed) {
				t.Errorf("accepted what was not signed: %x", b)
			}
		}
	})
}

// What moves together has the same fingerprint on every node, in whatever order
// its file has it; anything else has another one.
func TestSetOf(t *testing.T) {
	a, b, c := Member{51, vrrp.IPv4}, Member{51, vrrp.IPv6}, Member{53, vrrp.IPv4}
	if got := SetOf([]Member{a}); got != 0 {
		t.Errorf("one alone is %d", got)
	}
	if SetOf([]Member{a, b, c}) != SetOf([]Member{c, a, b}) {
		t.Error("the order counts")
	}
	seen := map[uint32]bool{}
	for _, set := range [][]Member{{a}, {a, b}, {a, c}, {b, c}, {a, b, c}} {
		seen[SetOf(set)] = true
	}
	if len(seen) != 5 {
		t.Errorf("%d fingerprints of 5 sets", len(seen))
	}
	call := take()
	call.Set = SetOf([]Member{a, b})
	if got, err := DecodeCall(call.Append(nil, key)); err != nil || got.Set != call.Set {
		t.Errorf("%+v became %+v, %v", call, got, err)
	}
}
