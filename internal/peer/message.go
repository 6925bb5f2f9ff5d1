package peer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-net/holdfast/vrrp"
)

// Kind is a kind of message.
type Kind uint8

const (
	KindHello Kind = 1
	KindTake  Kind = 2 // a Call: the sender leaves, an operator chose To to take over, nobody is to preempt it
	KindNext  Kind = 3 // a Call: the sender leaves, To is next
	KindAsk   Kind = 4 // a Call: the sender has a higher priority than the holder, and would take over
	KindYield Kind = 5 // a Call: the sender does not hold or claim any more
	KindRest  Kind = 6 // a Call: the sender holds and claims nothing, and has nothing to undo
)

// Hello says who a node is and how it does in the virtual routers of one
// family on one interface.
type Hello struct {
	Family  vrrp.Family
	From    string
	New     bool // the sender has just started: it wants to know who is there
	Sent    time.Time
	Entries []Entry  // at most one per VRID
	Hears   []string // the nodes that the sender hears there
}

// Entry is one virtual router of a Hello.
type Entry struct {
	VRID     uint8
	State    uint8 // as in group.State
	Priority uint8 // effective
}

// Call is what one node says to the others about one virtual router.
type Call struct {
	Kind     Kind
	Family   vrrp.Family
	VRID     uint8
	Priority uint8 // the sender's (ask)
	From     string
	To       string // the successor (take, next)
	// Set is which virtual routers move together at the sender, see SetOf:
	// where the same ones do at the receiver, the call is about all of them.
	// 0: about this one.
	Set  uint32
	Sent time.Time
}

// IsCall says whether a message of this kind is a Call.
func (k Kind) IsCall() bool { return k >= KindTake && k <= KindRest }

const (
	magic      = "HFP1"
	headerSize = 20
	entrySize  = 3
	callSize   = 4 // of what follows the names
	flagNew    = 1
	maxName    = 63
	maxEntries = 255
)

// MaxSize is the longest message in bytes.
const MaxSize = headerSize + 2*maxName + maxEntries*entrySize + 1 + maxNodes*(1+maxName)

// Reasons to discard a message.
var (
	ErrNotOurs   = errors.New("not a holdfast message")
	ErrMalformed = errors.New("malformed message")
	ErrUnsigned  = errors.New("message is not signed")
	ErrSignature = errors.New("signature does not match")
	ErrStale     = errors.New("message is too old, or the clocks differ")
)

// Append appends the encoded message. Names are cut to 63 bytes.
func (h Hello) Append(b []byte) []byte {
	entries := h.Entries[:min(len(h.Entries), maxEntries)]
	var flags uint8
	if h.New {
		flags |= flagNew
	}
	b = appendHeader(b, header{kind: KindHello, family: h.Family, vrid: flags, sent: h.Sent, from: h.From, entries: len(entries)})
	for _, e := range entries {
		b = append(b, e.VRID, e.State, e.Priority)
	}
	hears := h.Hears[:min(len(h.Hears), maxNodes)]
	b = append(b, byte(len(hears)))
	for _, name := range hears {
		name = clip(name)
		b = append(b, byte(len(name)))
		b = append(b, name...)
	}
	return b
}

// Append appends the encoded message, signed if there is a key.
func (c Call) Append(b []byte, k Key) []byte {
	at := len(b)
	b = appendHeader(b, header{
		kind: c.Kind, family: c.Family, vrid: c.VRID, key: k.sender(), sent: c.Sent, from: c.From, to: c.To, entries: int(c.Priority),
	})
	return k.sign(binary.BigEndian.AppendUint32(b, c.Set), at)
}

// KindOf tells a hello from a call without decoding either.
func KindOf(b []byte) (Kind, error) {
	h, _, err := parseHeader(b)
	return h.kind, err
}

// DecodeHello reads a hello. Its entries are appended to into, which may be
// nil.
func DecodeHello(b []byte, into []Entry) (Hello, error) {
	h, rest, err := parseHeader(b)
	switch {
	case err != nil:
		return Hello{}, err
	case h.kind != KindHello || len(rest) < h.entries*entrySize:
		return Hello{}, ErrMalformed
	}
	out := Hello{Family: h.family, From: h.from, New: h.vrid&flagNew != 0, Sent: h.sent, Entries: into}
	for i := range h.entries {
		e := rest[i*entrySize:]
		out.Entries = append(out.Entries, Entry{VRID: e[0], State: e[1], Priority: e[2]})
	}
	var ok bool
	if out.Hears, ok = decodeNames(rest[h.entries*entrySize:]); !ok {
		return Hello{}, ErrMalformed
	}
	return out, nil
}

// decodeNames reads a counted list of names.
func decodeNames(b []byte) (names []string, ok bool) {
	if len(b) == 0 {
		return nil, false
	}
	count, b := int(b[0]), b[1:]
	if count > maxNodes {
		return nil, false
	}
	for range count {
		if len(b) == 0 || b[0] == 0 || b[0] > maxName || len(b) < 1+int(b[0]) {
			return nil, false
		}
		names = append(names, string(b[1:1+b[0]]))
		b = b[1+b[0]:]
	}
	return names, true
}

// DecodeCall reads a call without verifying it: the key to [Key.Verify] it
// with depends on the virtual router that it names.
func DecodeCall(b []byte) (Call, error) {
	h, rest, err := parseHeader(b)
	switch {
	case err != nil:
		return Call{}, err
	case !h.kind.IsCall() || h.vrid == 0 || len(rest) < callSize:
		return Call{}, ErrMalformed
	}
	return Call{
		Kind: h.kind, Family: h.family, VRID: h.vrid, Priority: uint8(h.entries), From: h.from, To: h.to, Sent: h.sent,
		Set: binary.BigEndian.Uint32(rest),
	}, nil
}

type header struct {
	kind     Kind
	family   vrrp.Family
	vrid     uint8 // of a hello: its flags
	key      uint8
	sent     time.Time
	from, to string
	entries  int // of a call: its priority
}

func appendHeader(b []byte, h header) []byte {
	from, to := clip(h.from), clip(h.to)
	b = append(b, magic...)
	b = append(b, byte(h.kind), byte(h.family), h.vrid, h.key)
	b = binary.BigEndian.AppendUint64(b, uint64(h.sent.UnixNano()))
	b = append(b, byte(len(from)), byte(len(to)))
	b = binary.BigEndian.AppendUint16(b, uint16(h.entries))
	b = append(b, from...)
	return append(b, to...)
}

func parseHeader(b []byte) (h header, rest []byte, err error) {
	if len(b) < headerSize || string(b[:4]) != magic {
		return h, nil, ErrNotOurs
	}
	from, to := int(b[16]), int(b[17])
	end := headerSize + from + to
	h = header{
		kind: Kind(b[4]), family: vrrp.Family(b[5]), vrid: b[6], key: b[7],
		sent:    time.Unix(0, int64(binary.BigEndian.Uint64(b[8:]))),
		entries: int(binary.BigEndian.Uint16(b[18:])),
	}
	switch {
	case from == 0 || from > maxName || to > maxName || len(b) < end || h.entries > maxEntries:
		return h, nil, ErrMalformed
	case h.family != vrrp.IPv4 && h.family != vrrp.IPv6:
		return h, nil, fmt.Errorf("%w: family %d", ErrMalformed, h.family)
	}
	h.from = string(b[headerSize : headerSize+from])
	h.to = string(b[headerSize+from : end])
	return h, b[end:], nil
}

func clip(s string) string { return s[:min(len(s), maxName)] }
