package bfd

import (
	"bytes"
	"encoding/hex"
	"testing"
	"time"
)

// ends are two sessions with the same keys, and the packets from one to the
// other.
type ends struct {
	here, there *node
}

func authentic(t *testing.T, kind AuthType) ends {
	t.Helper()
	here := down(t, config(signed(kind, 1)))
	there := down(t, config(signed(kind, 1), func(c *Config) { c.Discriminator, c.Peer = theirs, hereAddr }))
	return ends{here, there}
}

// from encodes a packet as the other end would.
func (e ends) from(c Control) *Packet {
	return &Packet{Src: thereAddr, Link: link, TTL: 255, Payload: e.there.AppendPacket(nil, c)}
}

// drops says why our end drops a packet.
func (e ends) drops(p *Packet) Drop {
	before := e.here.Counters().Dropped
	e.here.Step(e.here.now, Received(p), nil)
	after := e.here.Counters().Dropped
	for d := range NumDrops {
		if after[d] != before[d] {
			return d
		}
	}
	return DropNone
}

// The section as RFC 5880 §4.4 draws it, with a digest computed by another
// program: printf of the packet with the key in place of the digest | sha1sum.
//
//conformance:5880-4.4-format positive
//conformance:5880-4.3-reserved positive
//conformance:5880-6.7.4-secret negative
func TestAuth_Wire(t *testing.T) {
	a := &authority{kind: AuthSHA1Strict, active: 2, keys: map[uint8][20]byte{2: {'s', 'e', 'c', 'r', 'e', 't'}}, xmit: 6}
	c := wireCase.c
	got := a.sign(c.Append(nil), 0, &c)
	want := "21ec0334" + "0000000b" + "00000016" + "00002710" + "00004e20" + "00000000" +
		"051c0200" + "00000007" + "6b0837f1a9c8ea810443efb795d71d3ae392dab9"
	if hex.EncodeToString(got) != want {
		t.Errorf("wrote\n%x, want\n%s", got, want)
	}
}

// Both types are understood by the other end.
//
//conformance:5880-6.7.4-digest positive
//conformance:5880-6.8.6-authenticate positive
//conformance:5880-6.8.6-auth-missing positive
//conformance:5880-6.7-both positive
func TestAuth_Accepts(t *testing.T) {
	for _, kind := range []AuthType{AuthSHA1, AuthSHA1Strict} {
		e := authentic(t, kind)
		for range 100 {
			equal(t, "drop", e.drops(e.from(says(Up))), DropNone)
		}
	}
	n := up(t, config())
	equal(t, "without any", n.Counters().Dropped[DropAuthMissing], 0)
}

// Each row spoils a good packet in one way; the order is that of the checks.
//
//conformance:5880-6.7.4-type negative
//conformance:5880-6.7.4-key negative
//conformance:5880-6.7.4-length negative
//conformance:5880-6.7.4-digest negative
//conformance:5880-6.8.6-authenticate negative
//conformance:5880-6.8.6-auth-missing negative
func TestAuth_Refuses(t *testing.T) {
	rows := []struct {
		name  string
		spoil func(b []byte) []byte
		want  Drop
	}{
		{"not signed", func(b []byte) []byte { c := says(Up); return c.Append(nil) }, DropAuthMissing},
		{"a password", func(b []byte) []byte { b[24] = 1; return b }, DropAuthType},
		{"md5", func(b []byte) []byte { b[24] = 2; return b }, DropAuthType},
		{"meticulous md5", func(b []byte) []byte { b[24] = 3; return b }, DropAuthType},
		{"the other sha1", func(b []byte) []byte { b[24] = 4; return b }, DropAuthType},
		{"a type from the future", func(b []byte) []byte { b[24] = 9; return b }, DropAuthType},
		{"other section length", func(b []byte) []byte { b[25] = 27; return b }, DropAuthLength},
		{"shorter packet", func(b []byte) []byte { b[3] = 50; return b }, DropAuthLength},
		{"longer packet", func(b []byte) []byte { b[3] = 53; return append(b, 0) }, DropAuthLength},
		{"section of two bytes", func(b []byte) []byte { b[3] = 26; return b }, DropAuthLength},
		{"unknown key", func(b []byte) []byte { b[26] = 3; return b }, DropAuthKey},
		{"other key", func(b []byte) []byte { b[26] = 2; return b }, DropAuthFailed},
		{"other state", func(b []byte) []byte { b[1] ^= 0x80; return b }, DropAuthFailed},
		{"other reserved byte", func(b []byte) []byte { b[27] = 1; return b }, DropAuthFailed},
		{"other number", func(b []byte) []byte { b[31]++; return b }, DropAuthFailed},
		{"other digest", func(b []byte) []byte { b[51]++; return b }, DropAuthFailed},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			e := authentic(t, AuthSHA1Strict)
			equal(t, "good", e.drops(e.from(says(Up))), DropNone)
			p := e.from(says(Up))
			p.Payload = row.spoil(p.Payload)
			equal(t, "drop", e.drops(p), row.want)
		})
	}
}

// The second key is accepted too, so that keys can be changed while in use.
//
//conformance:5880-6.7.4-key positive
func TestAuth_EveryKeyIsAccepted(t *testing.T) {
	e := authentic(t, AuthSHA1)
	e.there.auth.active = 2
	equal(t, "drop", e.drops(e.from(says(Up))), DropNone)
}

// RFC 5880 §6.7.4: the number goes on by at most three times the multiplier;
// meticulously, by one at least. It is circular.
//
//conformance:5880-6.7.4-sequence positive
//conformance:5880-6.7.4-sequence negative
//conformance:5880-6.7.4-circular positive
func TestAuth_Sequence(t *testing.T) {
	tests := []struct {
		kind  AuthType
		ahead uint32
		want  Drop
	}{
		{AuthSHA1, 0, DropNone},
		{AuthSHA1, 1, DropNone},
		{AuthSHA1, 9, DropNone},
		{AuthSHA1, 10, DropAuthSequence},
		{AuthSHA1, ^uint32(0), DropAuthSequence},
		{AuthSHA1, 1 << 31, DropAuthSequence},
		{AuthSHA1Strict, 0, DropAuthSequence},
		{AuthSHA1Strict, 1, DropNone},
		{AuthSHA1Strict, 9, DropNone},
		{AuthSHA1Strict, 10, DropAuthSequence},
		{AuthSHA1Strict, ^uint32(0), DropAuthSequence},
	}
	for _, tt := range tests {
		for _, first := range []uint32{100, ^uint32(0) - 4, 0} {
			e := authentic(t, tt.kind)
			e.there.auth.xmit, e.there.auth.last = first, says(Up)
			if tt.kind == AuthSHA1Strict {
				e.there.auth.xmit-- // it counts on before each packet
			}
			equal(t, "first", e.drops(e.from(says(Up))), DropNone)
			e.there.auth.xmit += tt.ahead
			if tt.kind == AuthSHA1Strict {
				e.there.auth.xmit--
			}
			if got := e.drops(e.from(says(Up))); got != tt.want {
				t.Errorf("%s, %d after %d: %s, want %s", tt.kind, tt.ahead, first, got, tt.want)
			}
		}
	}
}

// A packet seen before is refused, meticulously always; keyed, as long as
// another one came after it.
func TestAuth_Replay(t *testing.T) {
	e := authentic(t, AuthSHA1Strict)
	p := e.from(says(Up))
	equal(t, "first", e.drops(p), DropNone)
	equal(t, "again", e.drops(p), DropAuthSequence)

	e = authentic(t, AuthSHA1)
	p = e.from(says(Down))
	equal(t, "first", e.drops(p), DropNone)
	equal(t, "changed", e.drops(e.from(says(Up))), DropNone)
	equal(t, "replayed", e.drops(p), DropAuthSequence)
}

// RFC 5880 §6.8.1: after twice the Detection Time of silence any number is
// taken, as from a neighbour that has started anew.
//
//conformance:5880-6.8.1-authseqknown positive
//conformance:5880-6.8.1-authseqknown negative
func TestAuth_UnlearnsTheSequence(t *testing.T) {
	e := authentic(t, AuthSHA1Strict)
	equal(t, "first", e.drops(e.from(says(Up))), DropNone)
	e.there.auth.xmit += 1 << 20
	e.here.wait(60*time.Millisecond - 1)
	equal(t, "before", e.drops(e.from(says(Up))), DropAuthSequence)
	e.here.wait(1)
	equal(t, "after", e.drops(e.from(says(Up))), DropNone)
}

// A forged packet must not be what the first number is learnt from. Here the
// RFC has it the other way round.
func TestAuth_ForgeryTeachesNothing(t *testing.T) {
	e := authentic(t, AuthSHA1Strict)
	p := e.from(says(Up))
	p.Payload[28] ^= 0x80
	equal(t, "forged", e.drops(p), DropAuthFailed)
	equal(t, "genuine", e.drops(e.from(says(Up))), DropNone)
}

// RFC 5880 §6.7.4: meticulously, every packet has a number of its own; keyed,
// every packet that says something new.
//
//conformance:5880-6.7.4-increment positive
//conformance:5880-6.7.4-increment negative
//conformance:5880-6.8.1-xmitauthseq positive
func TestAuth_NumbersWhatIsSent(t *testing.T) {
	number := func(b []byte) uint32 { return uint32(b[28])<<24 | uint32(b[29])<<16 | uint32(b[30])<<8 | uint32(b[31]) }
	for _, kind := range []AuthType{AuthSHA1, AuthSHA1Strict} {
		n := down(t, config(signed(kind, 1)))
		one := number(n.AppendPacket(nil, says(Up)))
		two := number(n.AppendPacket(nil, says(Up)))
		three := number(n.AppendPacket(nil, says(Up, poll)))
		equal(t, "again", two-one, map[AuthType]uint32{AuthSHA1: 0, AuthSHA1Strict: 1}[kind])
		equal(t, "changed", three-two, 1)
	}
	if authentic(t, AuthSHA1).here.auth.xmit == 0 {
		t.Error("starts with 0, not with a random number")
	}
}

// What stands before the packet in the buffer is not signed.
func TestAuth_AppendsBehindWhatIsThere(t *testing.T) {
	n := down(t, config(signed(AuthSHA1, 1)))
	alone := n.AppendPacket(nil, says(Up))
	behind := n.AppendPacket([]byte("head"), says(Up))
	if !bytes.Equal(behind[4:], alone) {
		t.Errorf("wrote\n%x, want\n%x", behind[4:], alone)
	}
}
