package vrrp

import (
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"maps"
	"net/netip"
	"slices"
	"time"
)

// auth_hmac puts a trailer of 28 bytes after the message
// (draft-cassen-vrrp-auth-hmac, as keepalived 2.4.2 and later send it):
//
//	 0      type, 1
//	 1      key id
//	 2..3   zero
//	 4..11  sequence: seconds UTC (4), 1/65536 seconds (2), counter (2)
//	12..27  first 16 bytes of HMAC-SHA256(key, head | message | trailer)
//
// where head says family, version, VRID and source address, and the message's
// checksum and the tag itself count as zero.
const (
	trailerType = 1
	trailerLen  = 28
	tagAt       = 12
	tagLen      = 16
	headLen     = 20
	minKeyLen   = 32
	maxKeyLen   = 64
	maxWindow   = 300 * time.Second
)

// HMACMode says what becomes of adverts without a valid trailer.
type HMACMode uint8

const (
	Enforce     HMACMode = iota // drop them
	Permissive                  // accept adverts with no trailer, drop invalid ones; send signed
	ReceiveOnly                 // as Permissive, but send unsigned
)

// String gives the word used in configuration files.
func (m HMACMode) String() string {
	return name([]string{"enforce", "permissive", "receive-only"}, int(m), "hmac mode")
}

// HMAC is the configuration of the auth_hmac trailer. To turn it on in a
// running network go through ReceiveOnly, Permissive and Enforce, each on all
// nodes first: receivers that know nothing of the trailer may drop a message
// that has one.
type HMAC struct {
	Keys   map[uint8][]byte // 32..64 bytes each; every one is accepted
	Active uint8            // key id used to sign
	Mode   HMACMode
	Window time.Duration // accepted clock difference, 1s..300s; 0: max(3*interval, 5s)
}

func (h *HMAC) check(bad *mistakes) {
	for _, id := range slices.Sorted(maps.Keys(h.Keys)) {
		if k := h.Keys[id]; len(k) < minKeyLen || len(k) > maxKeyLen {
			bad.add("hmac key %d has %d bytes, not %d..%d", id, len(k), minKeyLen, maxKeyLen)
		}
	}
	if _, ok := h.Keys[h.Active]; !ok {
		bad.add("active hmac key %d is not among the keys", h.Active)
	}
	if h.Mode > ReceiveOnly {
		bad.add("%s is unknown", h.Mode)
	}
	if h.Window != 0 && (h.Window < time.Second || h.Window > maxWindow) {
		bad.add("hmac window %s is not in 1s..5m0s", h.Window)
	}
}

// authority signs and verifies trailers. It keeps one keyed hash per key and
// its own buffers, so that neither signing nor verifying allocates.
type authority struct {
	active uint8
	mode   HMACMode
	keys   map[uint8]hash.Hash
	head   [headLen]byte
	buf    [headerLen]byte
	tag    [sha256.Size]byte
}

func newAuthority(c *Config) *authority {
	if c.HMAC == nil {
		return nil
	}
	a := &authority{
		active: c.HMAC.Active, mode: c.HMAC.Mode,
		keys: make(map[uint8]hash.Hash, len(c.HMAC.Keys)),
	}
	for id, k := range c.HMAC.Keys {
		a.keys[id] = hmac.New(sha256.New, k)
	}
	a.head[0], a.head[1], a.head[2] = uint8(c.Family), c.Version, c.VRID
	return a
}

var zeroTag [tagLen]byte

// sum computes the tag of a message and the first 12 bytes of its trailer. It
// is valid until the next call.
func (a *authority) sum(h hash.Hash, src netip.Addr, msg, trailer []byte) []byte {
	clear(a.head[4:])
	if src.Is4() {
		x := src.As4()
		copy(a.head[4:], x[:])
	} else {
		x := src.As16()
		copy(a.head[4:], x[:])
	}
	copy(a.buf[:], msg)
	a.buf[checksumAt], a.buf[checksumAt+1] = 0, 0
	h.Reset()
	h.Write(a.head[:])
	h.Write(a.buf[:])
	h.Write(msg[headerLen:])
	h.Write(trailer[:tagAt])
	h.Write(zeroTag[:])
	return h.Sum(a.tag[:0])[:tagLen]
}

// sign appends a trailer for the message at the end of b, from start on.
func (a *authority) sign(b []byte, start int, src netip.Addr, seq sequence) []byte {
	end := len(b)
	b = append(b, trailerType, a.active, 0, 0)
	b = seq.append(b)
	tag := a.sum(a.keys[a.active], src, b[start:end], b[end:])
	return append(b, tag...)
}

// verify checks the trailer of a message. A stale time is found before the tag
// is computed, so that replayed captures cost little; the sequence is compared
// after, so that forged ones change nothing.
func (r *Router) verify(now time.Time, src netip.Addr, m *message) Drop {
	a := r.auth
	if !isTrailer(m.rest) {
		if a.mode == Enforce {
			return DropAuthType
		}
		return DropNone
	}
	trailer := m.rest
	seq := parseSequence(trailer[4:])
	if !seq.near(now, r.replay.window) {
		return DropReplay
	}
	h, ok := a.keys[trailer[1]]
	if !ok || !hmac.Equal(a.sum(h, src, m.whole, trailer), trailer[tagAt:]) {
		return DropAuthFailed
	}
	if !r.replay.fresh(now, src, seq) {
		return DropReplay
	}
	return DropNone
}

// authDiffers says that an accepted message is signed though we have no keys,
// or not signed though it is time that it were.
func (r *Router) authDiffers(m *message) bool {
	if r.auth == nil {
		return isTrailer(m.rest)
	}
	return r.auth.mode == Permissive && !isTrailer(m.rest)
}

// isTrailer tells a trailer from padding.
func isTrailer(rest []byte) bool {
	return len(rest) == trailerLen && rest[0] == trailerType && rest[2] == 0 && rest[3] == 0
}
