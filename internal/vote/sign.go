package vote

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
)

// signer signs with the first of its keys and accepts all of them, so that a
// key can be changed on one node after the other. It keeps its hashes and
// allocates nothing.
type signer struct {
	keys []hash.Hash
	tag  [sha256.Size]byte
}

func newSigner(keys [][]byte) signer {
	var s signer
	for _, k := range keys {
		s.keys = append(s.keys, hmac.New(sha256.New, k))
	}
	return s
}

func (s *signer) sum(h hash.Hash, b []byte) []byte {
	h.Reset()
	h.Write(b)
	return h.Sum(s.tag[:0])
}

// sign appends the tag of the message that begins at b[at].
func (s *signer) sign(b []byte, at int) []byte {
	return append(b, s.sum(s.keys[0], b[at:])...)
}

// verify checks the tag at the end of b, which parse found long enough.
func (s *signer) verify(b []byte) bool {
	end := len(b) - tagSize
	for _, h := range s.keys {
		if hmac.Equal(s.sum(h, b[:end]), b[end:]) {
			return true
		}
	}
	return false
}

// minter computes tokens: numbers that nobody else can.
type minter struct {
	hash hash.Hash
	buf  []byte
	tag  [sha256.Size]byte
}

func newMinter(seed []byte) minter { return minter{hash: hmac.New(sha256.New, seed)} }

// mint is the token of a process of a node in a generation of that node's
// processes. It is never zero.
func (m *minter) mint(name string, session, generation uint64) uint64 {
	m.buf = binary.BigEndian.AppendUint64(m.buf[:0], session)
	m.buf = binary.BigEndian.AppendUint64(m.buf, generation)
	m.buf = append(m.buf, name...)
	m.hash.Reset()
	m.hash.Write(m.buf)
	return binary.BigEndian.Uint64(m.hash.Sum(m.tag[:0])) | 1
}
