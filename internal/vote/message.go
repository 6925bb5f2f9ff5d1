package vote

import (
	"encoding/binary"
	"errors"
	"time"
)

type kind uint8

const (
	kindAsk    kind = 1
	kindAnswer kind = 2
	kindToken  kind = 3
)

// verb is what an entry says: the first two in an ask, the others in an answer.
type verb uint8

const (
	opAsk     verb = 1
	opRelease verb = 2

	granted  verb = 1
	promised verb = 2 // to another node
	reserved verb = 3 // for a successor
	abstains verb = 4 // the voter started lately
	released verb = 5
	badTerm  verb = 6
)

const (
	magic      = "HFV1"
	headerSize = 48
	entrySize  = 24
	tagSize    = 32
	maxName    = 63
	// MaxSize is the longest message in bytes. It fits into every IPv6 packet
	// that needs no fragments.
	MaxSize = 1200
	// maxEntries fit with the longest names.
	maxEntries = (MaxSize - headerSize - 2*maxName - tagSize) / entrySize
)

// Reasons to discard a datagram.
var (
	errNotOurs   = errors.New("not a vote")
	errMalformed = errors.New("malformed vote")
	errSignature = errors.New("signature does not match")
)

// entry is what a message says about one group.
type entry struct {
	key     Key
	verb    verb
	rank    uint8
	holding bool
	time    time.Duration // whole microseconds
	node    NameHash
}

// header is all of a message but its entries. The names are parts of the
// datagram.
type header struct {
	kind     kind
	voters   uint64
	session  uint64
	token    uint64
	stamp    uint64
	instance uint64
	from, to []byte // of what was parsed
}

// appendHeader begins a message without entries.
func appendHeader[T string | []byte](b []byte, h *header, from, to T) []byte {
	b = append(b, magic...)
	b = append(b, byte(h.kind), 0, byte(len(from)), byte(len(to)))
	for _, x := range [...]uint64{h.voters, h.session, h.token, h.stamp, h.instance} {
		b = binary.BigEndian.AppendUint64(b, x)
	}
	b = append(b, from...)
	return append(b, to...)
}

// appendEntry adds one to the message that begins at b[at].
func appendEntry(b []byte, at int, e *entry) []byte {
	b[at+5]++
	b = binary.BigEndian.AppendUint64(b, uint64(e.key))
	holding := byte(0)
	if e.holding {
		holding = 1
	}
	b = append(b, byte(e.verb), e.rank, holding, 0)
	b = binary.BigEndian.AppendUint32(b, micros(e.time))
	return binary.BigEndian.AppendUint64(b, uint64(e.node))
}

// micros rounds up: what is said to be left of a promise is never less than
// what is.
func micros(d time.Duration) uint32 {
	return uint32(min(max((d+time.Microsecond-1)/time.Microsecond, 0), 1<<32-1))
}

// parse reads a header and returns the entries' bytes. The length must be
// exact: there is nothing that a later version could hide in a datagram, and
// what is added to one is not ours.
func parse(b []byte) (h header, entries []byte, err error) {
	if len(b) < headerSize+tagSize || string(b[:4]) != magic {
		return h, nil, errNotOurs
	}
	from, to := int(b[6]), int(b[7])
	names := headerSize + from + to
	end := names + int(b[5])*entrySize
	h = header{
		kind:   kind(b[4]),
		voters: binary.BigEndian.Uint64(b[8:]), session: binary.BigEndian.Uint64(b[16:]),
		token: binary.BigEndian.Uint64(b[24:]), stamp: binary.BigEndian.Uint64(b[32:]),
		instance: binary.BigEndian.Uint64(b[40:]),
	}
	switch {
	case len(b) > MaxSize, end+tagSize != len(b),
		from < 1, from > maxName, to < 1, to > maxName,
		h.kind < kindAsk, h.kind > kindToken, h.session == 0:
		return h, nil, errMalformed
	}
	h.from, h.to = b[headerSize:headerSize+from], b[headerSize+from:names]
	return h, b[names:end], nil
}

// parseEntry reads the first entry of what parse returned.
func parseEntry(b []byte) entry {
	return entry{
		key:  Key(binary.BigEndian.Uint64(b)),
		verb: verb(b[8]), rank: b[9], holding: b[10] == 1,
		time: time.Duration(binary.BigEndian.Uint32(b[12:])) * time.Microsecond,
		node: NameHash(binary.BigEndian.Uint64(b[16:])),
	}
}
