package guardian

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"github.com/holdfast-net/holdfast/vrrp"
)

// The two ends are the same binary, but not always of the same build: a daemon
// is upgraded, and its guardian comes from the file that is there now. A
// datagram begins with the version; one of another version is refused, and
// the guardian with it.
const version = 1

// maxDatagram is the longest datagram. It holds any single record.
const maxDatagram = 60 << 10

// Record is one thing that the daemon tells its guardian: Hello, Voice,
// Silence or Farewell; or the guardian the daemon: Ready.
type Record interface {
	kind() byte
	append(b []byte) []byte
}

// Hello comes first: who the daemon is, and how to start it again.
type Hello struct {
	Dir      string // of what the next run has to know, beside the control socket
	Name     string // of the daemon among those that share Dir: its socket's
	Priority uint8  // in the real-time class; 0: the ordinary class
	Deaths   uint8  // how often in a row it died soon after its start
	Restart  bool   // start it again; else somebody else does
	Node     string // what other nodes call it
	Argv     []string
	Program  string // the file to run
}

// Voice is one stream of adverts that somebody believes in.
type Voice struct {
	ID        uint32
	Interface string
	SrcMAC    [6]byte // zero: the interface's own
	Sent      vrrp.Sent
	KeyID     uint8
	Key       []byte // that signs; nil: nothing is signed
	Heir      string // the node that is to take over; empty: none is known
}

// Silence says that a voice is none any more.
type Silence struct{ ID uint32 }

// Farewell says that the daemon ends in order.
type Farewell struct {
	LivesOn bool // its voices do, in another process
}

// Ready is the guardian's answer to Hello.
type Ready struct {
	Trouble string // what it could not have: the real-time class, locked memory
}

const (
	kindHello byte = 1 + iota
	kindVoice
	kindSilence
	kindFarewell
	kindReady
)

func (Hello) kind() byte    { return kindHello }
func (Voice) kind() byte    { return kindVoice }
func (Silence) kind() byte  { return kindSilence }
func (Farewell) kind() byte { return kindFarewell }
func (Ready) kind() byte    { return kindReady }

// Append appends a record to a datagram, which an empty b begins. Each record
// is its kind, its length (2) and its body.
func Append(b []byte, r Record) []byte {
	if len(b) == 0 {
		b = append(b, version)
	}
	b = append(b, r.kind(), 0, 0)
	start := len(b)
	b = r.append(b)
	binary.BigEndian.PutUint16(b[start-2:], uint16(len(b)-start))
	return b
}

// Errors of Parse.
var (
	errVersion = errors.New("it is of another version")
	errShort   = errors.New("it is cut off")
	errExcess  = errors.New("a record is longer than what is in it")
	errAddress = errors.New("an address is of the wrong family")
	errMessage = errors.New("the advert is cut off")
)

// Parse reads all records of a datagram. They share no memory with it.
func Parse(b []byte) ([]Record, error) {
	if len(b) == 0 || b[0] != version {
		return nil, fmt.Errorf("cannot read a datagram: %w", errVersion)
	}
	var out []Record
	for b = b[1:]; len(b) > 0; {
		r := reader{b: b}
		kind := r.byte()
		body := reader{b: r.bytes(int(r.uint16()))}
		if r.short {
			return nil, fmt.Errorf("cannot read a datagram: %w", errShort)
		}
		b = r.b
		rec, err := body.record(kind)
		switch {
		case body.short:
			err = errShort
		case err == nil && len(body.b) > 0:
			err = errExcess
		}
		if err != nil {
			return nil, fmt.Errorf("cannot read a record of kind %d: %w", kind, err)
		}
		out = append(out, rec)
	}
	return out, nil
}

func (r *reader) record(kind byte) (Record, error) {
	switch kind {
	case kindHello:
		h := Hello{Dir: r.string(), Name: r.string(), Priority: r.byte(), Deaths: r.byte(), Restart: r.byte() == 1, Node: r.string(), Program: r.string()}
		for range r.uint16() {
			h.Argv = append(h.Argv, r.string())
			if r.short {
				break
			}
		}
		return h, nil
	case kindVoice:
		return r.voice()
	case kindSilence:
		return Silence{ID: r.uint32()}, nil
	case kindFarewell:
		return Farewell{LivesOn: r.byte() == 1}, nil
	case kindReady:
		return Ready{Trouble: r.string()}, nil
	}
	return nil, errors.New("nobody knows it")
}

func (r *reader) voice() (Record, error) {
	v := Voice{ID: r.uint32(), Interface: r.string()}
	copy(v.SrcMAC[:], r.bytes(6))
	v.Sent.Family = vrrp.Family(r.byte())
	v.Sent.Src, _ = netip.AddrFromSlice(r.bytes(int(r.byte())))
	v.Sent.Dst, _ = netip.AddrFromSlice(r.bytes(int(r.byte())))
	v.KeyID = r.byte()
	v.Key = clone(r.bytes(int(r.byte())))
	v.Heir = r.string()
	v.Sent.Message = clone(r.bytes(int(r.uint16())))
	four := v.Sent.Family == vrrp.IPv4
	if !four && v.Sent.Family != vrrp.IPv6 || !v.Sent.Src.IsValid() || !v.Sent.Dst.IsValid() ||
		v.Sent.Src.Is4() != four || v.Sent.Dst.Is4() != four {
		return nil, errAddress
	}
	if len(v.Sent.Message) < shortest {
		return nil, errMessage
	}
	return v, nil
}

func (h Hello) append(b []byte) []byte {
	b = appendString(appendString(b, h.Dir), h.Name)
	b = appendString(append(b, h.Priority, h.Deaths, truth(h.Restart)), h.Node)
	b = appendString(b, h.Program)
	b = binary.BigEndian.AppendUint16(b, uint16(len(h.Argv)))
	for _, a := range h.Argv {
		b = appendString(b, a)
	}
	return b
}

func (v Voice) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, v.ID)
	b = appendString(b, v.Interface)
	b = append(b, v.SrcMAC[:]...)
	b = append(b, byte(v.Sent.Family))
	b = appendShort(b, v.Sent.Src.AsSlice())
	b = appendShort(b, v.Sent.Dst.AsSlice())
	b = appendShort(append(b, v.KeyID), v.Key)
	b = appendString(b, v.Heir)
	b = binary.BigEndian.AppendUint16(b, uint16(len(v.Sent.Message)))
	return append(b, v.Sent.Message...)
}

func (s Silence) append(b []byte) []byte  { return binary.BigEndian.AppendUint32(b, s.ID) }
func (f Farewell) append(b []byte) []byte { return append(b, truth(f.LivesOn)) }
func (r Ready) append(b []byte) []byte    { return appendString(b, r.Trouble) }
