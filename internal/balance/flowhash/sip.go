package flowhash

import (
	"encoding/binary"
	"math/bits"
)

// sip is the state of SipHash-1-3: one round for each word, three at the end.
type sip struct{ v0, v1, v2, v3 uint64 }

// newSip mixes the key with the constants of the paper (§2.1), which spell
// "somepseudorandomlygeneratedbytes".
func newSip(key [16]byte) sip {
	k0 := binary.LittleEndian.Uint64(key[:8])
	k1 := binary.LittleEndian.Uint64(key[8:])
	return sip{
		v0: k0 ^ 0x736f6d6570736575,
		v1: k1 ^ 0x646f72616e646f6d,
		v2: k0 ^ 0x6c7967656e657261,
		v3: k1 ^ 0x7465646279746573,
	}
}

// add takes one word of the message (§2.2).
func (s *sip) add(word uint64) {
	s.v3 ^= word
	s.round()
	s.v0 ^= word
}

// sum ends the message (§2.3).
func (s *sip) sum() uint64 {
	s.v2 ^= 0xff
	s.round()
	s.round()
	s.round()
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3
}

func (s *sip) round() {
	s.v0 += s.v1
	s.v1 = bits.RotateLeft64(s.v1, 13) ^ s.v0
	s.v0 = bits.RotateLeft64(s.v0, 32)
	s.v2 += s.v3
	s.v3 = bits.RotateLeft64(s.v3, 16) ^ s.v2
	s.v0 += s.v3
	s.v3 = bits.RotateLeft64(s.v3, 21) ^ s.v0
	s.v2 += s.v1
	s.v1 = bits.RotateLeft64(s.v1, 17) ^ s.v2
	s.v2 = bits.RotateLeft64(s.v2, 32)
}
