package vrrp

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"hash"
	"net/netip"
	"time"
)

// Errors of Retract.
var (
	errNotAdvert = errors.New("cannot take an advert back: it is none")
	errNoKey     = errors.New("cannot take an advert back: it is signed, and the key is not there")
)

// Sent is an advert as it was sent: the encoded message with its trailer, if
// it has one, and where it went. It is all that is needed to take the advert
// back in the place of a sender that is no more.
type Sent struct {
	Family   Family
	Src, Dst netip.Addr
	Message  []byte
}

// KeyID is the id of the key that signed the message, if one did.
func (s Sent) KeyID() (id uint8, signed bool) {
	var m message
	if m.parse(s.Message, s.Family) != DropNone || !isTrailer(m.rest) {
		return 0, false
	}
	return m.rest[1], true
}

// Same says whether o can be taken back just as s: they differ in nothing but
// what makes every signed message its own, which is sequence and tag, and
// over IPv6 the checksum that covers them.
func (s Sent) Same(o Sent) bool {
	if s.Family != o.Family || s.Src != o.Src || s.Dst != o.Dst || len(s.Message) != len(o.Message) {
		return false
	}
	var m message
	if m.parse(s.Message, s.Family) != DropNone || !isTrailer(m.rest) {
		return string(s.Message) == string(o.Message)
	}
	upTo := len(m.whole) + 4 // type and key of the trailer
	if s.Family == IPv6 {
		return string(s.Message[:checksumAt]) == string(o.Message[:checksumAt]) &&
			string(s.Message[headerLen:upTo]) == string(o.Message[headerLen:upTo])
	}
	return string(s.Message[:upTo]) == string(o.Message[:upTo])
}

// Retract appends to b what takes the advert back: the same message with
// priority 0, which is what a leaving Active says (RFC 9568 §6.4.3). The
// checksum keeps its form. A signed message is signed anew for the time now
// with the key that KeyID names; key is not looked at otherwise.
func (s Sent) Retract(b []byte, now time.Time, key []byte) ([]byte, error) {
	var m message
	if m.parse(s.Message, s.Family) != DropNone || m.version != 3 && (m.version != 2 || s.Family == IPv6) {
		return b, errNotAdvert
	}
	start := len(b)
	b = append(b, m.whole...)
	b[start+2] = 0
	putChecksum(b[start:], 0)
	covered := len(m.whole)
	if isTrailer(m.rest) {
		id := m.rest[1]
		if len(key) == 0 {
			return b[:start], errNoKey
		}
		a := authority{active: id, keys: map[uint8]hash.Hash{id: hmac.New(sha256.New, key)}}
		a.head[0], a.head[1], a.head[2] = uint8(s.Family), m.version, m.vrid
		b = a.sign(b, start, s.Src, parseSequence(m.rest[4:]).next(now, maxWindow))
		if s.Family == IPv6 { // the trailer is under the checksum there
			covered += trailerLen
		}
	}
	msg := b[start : start+covered]
	putChecksum(msg, s.form(s.Message[:covered]).sum(plain(s.Src), plain(s.Dst), msg))
	return b, nil
}

// form is the form of the checksum in a message.
func (s Sent) form(covered []byte) form {
	if covered[0]>>4 == 3 && PseudoChecksum(plain(s.Src), plain(s.Dst), covered) == 0 {
		return formRFC5798
	}
	return formOnly
}
