package bfd

import (
	"crypto/sha1"
	"crypto/subtle"
	"encoding/binary"
	"maps"
	"math/rand/v2"
	"slices"
)

// AuthType is an authentication type of RFC 5880 §4.1.
type AuthType uint8

const (
	AuthNone       AuthType = iota
	AuthPassword            // §6.7.2, a password in clear text: refused
	AuthMD5                 // §6.7.3, keyed MD5: refused
	AuthMD5Strict           // §6.7.3, meticulous keyed MD5: refused
	AuthSHA1                // §6.7.4, keyed SHA1
	AuthSHA1Strict          // §6.7.4, meticulous keyed SHA1: no two packets with one sequence number
)

var authNames = [...]string{
	"no authentication", "simple password", "keyed md5", "meticulous keyed md5", "keyed sha1", "meticulous keyed sha1",
}

// String gives the words of the RFC in lower case.
func (a AuthType) String() string { return name(authNames[:], int(a), "authentication type") }

// Auth says how packets are authenticated. Both ends have the same type and
// keys. Keyed SHA1 lets a packet be replayed that says the same as the one
// before it; the meticulous form does not.
type Auth struct {
	Type   AuthType         // AuthSHA1 or AuthSHA1Strict
	Keys   map[uint8][]byte // 1..20 bytes each; every one is accepted
	Active uint8            // key id used to sign
}

func (a *Auth) check(bad *mistakes) {
	if a.Type != AuthSHA1 && a.Type != AuthSHA1Strict {
		bad.add("%s is not offered, keyed sha1 and meticulous keyed sha1 are", a.Type)
	}
	for _, id := range slices.Sorted(maps.Keys(a.Keys)) {
		if n := len(a.Keys[id]); n == 0 || n > sha1.Size {
			bad.add("key %d has %d bytes, not 1..%d", id, n, sha1.Size)
		}
	}
	if _, ok := a.Keys[a.Active]; !ok {
		bad.add("active key %d is not among the keys", a.Active)
	}
}

// The section of SHA1, RFC 5880 §4.4: type, length, key id, reserved, sequence
// number, digest.
const (
	sectionLen = 28
	sequenceAt = 4
	digestAt   = 8
	signedLen  = controlLen + sectionLen
)

// authority signs and verifies packets.
type authority struct {
	kind   AuthType
	active uint8
	keys   map[uint8][sha1.Size]byte // padded with zeros

	xmit uint32  // bfd.XmitAuthSeq
	last Control // the packet that was signed last

	rcv   uint32 // bfd.RcvAuthSeq
	known bool   // bfd.AuthSeqKnown

	buf [signedLen]byte
}

func newAuthority(a *Auth, rng *rand.Rand) *authority {
	if a == nil {
		return nil
	}
	// RFC 5880 §6.8.1: bfd.XmitAuthSeq starts with a random value.
	s := &authority{kind: a.Type, active: a.Active, keys: make(map[uint8][sha1.Size]byte, len(a.Keys)), xmit: rng.Uint32()}
	for id, k := range a.Keys {
		var padded [sha1.Size]byte
		copy(padded[:], k)
		s.keys[id] = padded
	}
	return s
}

// sign appends the section to the packet c that begins at b[start].
func (s *authority) sign(b []byte, start int, c *Control) []byte {
	// RFC 5880 §6.7.4: the meticulous form has a number for every packet, the
	// other a new one whenever a packet says something new.
	if s.kind == AuthSHA1Strict || *c != s.last {
		s.xmit++
	}
	s.last = *c
	key := s.keys[s.active]
	b[start+1] |= bitAuth
	b[start+3] = signedLen
	b = append(b, byte(s.kind), sectionLen, s.active, 0)
	b = binary.BigEndian.AppendUint32(b, s.xmit)
	b = append(b, key[:]...)
	digest := sha1.Sum(b[start:])
	copy(b[len(b)-sha1.Size:], digest[:])
	return b
}

// verify checks the section of a packet, RFC 5880 §6.7.4 in its order.
func (s *authority) verify(packet, section []byte, mult uint8) Drop {
	if AuthType(section[0]) != s.kind {
		return DropAuthType
	}
	// Both lengths have to agree: what follows the section would otherwise be
	// signed or not, as one reads the RFC.
	if section[1] != sectionLen || len(section) != sectionLen {
		return DropAuthLength
	}
	key, ok := s.keys[section[2]]
	if !ok {
		return DropAuthKey
	}
	seq := binary.BigEndian.Uint32(section[sequenceAt:])
	if s.known && !s.fresh(seq, mult) {
		return DropAuthSequence
	}
	copy(s.buf[:], packet[:controlLen+digestAt])
	s.buf[controlLen+3] = section[3]
	copy(s.buf[controlLen+digestAt:], key[:])
	digest := sha1.Sum(s.buf[:])
	if subtle.ConstantTimeCompare(digest[:], section[digestAt:]) == 0 {
		return DropAuthFailed
	}
	// The RFC takes the first sequence number over before it looks at the
	// digest. Then a forged packet could shut the neighbour out; so here only
	// what is authentic counts.
	s.known, s.rcv = true, seq
	return DropNone
}

// fresh says whether a sequence number may follow the last one: by at most
// three times the Detect Mult, circularly; the same one again only where the
// type is not meticulous.
func (s *authority) fresh(seq uint32, mult uint8) bool {
	ahead := seq - s.rcv
	if ahead == 0 {
		return s.kind != AuthSHA1Strict
	}
	return ahead <= 3*uint32(mult)
}
