package mirror

import (
	"crypto/hmac"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
)

// FrameKind is what a frame is about.
type FrameKind uint8

const (
	FrameHolds   FrameKind = 1 + iota // of which services the teller holds the address
	FrameView                         // what the holder knows of a service's backends
	FrameChanges                      // flows as they are, or gone
	FrameBegin                        // all flows follow, of some services
	FrameFlows                        // some of them
	FrameEnd                          // those were all
	FramePulse                        // nothing; how late the teller's news arrive
	FrameAck                          // the answerer's: up to which frame it has done everything
	FrameAsk                          // the answerer's: of which services it wants all flows told again
)

func (k FrameKind) String() string {
	if k == 0 || k > FrameAsk {
		return fmt.Sprintf("kind %d", uint8(k))
	}
	return [...]string{"holds", "view", "changes", "begin", "flows", "end", "pulse", "ack", "ask"}[k-1]
}

// Frame is one message of a connection. Frames of a side are numbered from 1.
type Frame struct {
	Seq  uint64
	Kind FrameKind
	Body []byte
}

const (
	frameHead = 4 + 8 + 1
	tagSize   = 16 // RFC 2104 §5: not less than half of the hash
	maxBody   = 1 << 20
)

// Reasons to end a connection.
var (
	ErrFrame = errors.New("malformed frame of flows")
	ErrTag   = errors.New("the signature of a frame of flows does not match")
	ErrOrder = errors.New("a frame of flows is missing")
)

// Seal signs the frames of one side, and numbers them.
type Seal struct {
	mac  hash.Hash // nil: nothing is signed
	last uint64
	tag  []byte
}

// Append encodes the next frame.
func (s *Seal) Append(b []byte, k FrameKind, body []byte) []byte {
	at := len(b)
	s.last++
	b = binary.BigEndian.AppendUint32(b, uint32(len(body)))
	b = binary.BigEndian.AppendUint64(b, s.last)
	b = append(b, byte(k))
	b = append(b, body...)
	if s.mac == nil {
		return b
	}
	s.mac.Reset()
	s.mac.Write(b[at:])
	s.tag = s.mac.Sum(s.tag[:0])
	return append(b, s.tag[:tagSize]...)
}

// Read reads the next frame of the other side. The body is the caller's.
func (s *Seal) Read(r io.Reader) (Frame, error) {
	var head [frameHead]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return Frame{}, err
	}
	f := Frame{Seq: binary.BigEndian.Uint64(head[4:]), Kind: FrameKind(head[12])}
	size := binary.BigEndian.Uint32(head[:])
	if size > maxBody {
		return f, fmt.Errorf("%w: %d bytes", ErrFrame, size)
	}
	want := int(size)
	if s.mac != nil {
		want += tagSize
	}
	b := make([]byte, want)
	if _, err := io.ReadFull(r, b); err != nil {
		return f, err
	}
	if s.mac != nil {
		s.mac.Reset()
		s.mac.Write(head[:])
		s.mac.Write(b[:size])
		s.tag = s.mac.Sum(s.tag[:0])
		if !hmac.Equal(s.tag[:tagSize], b[size:]) {
			return f, ErrTag
		}
	}
	if s.last++; f.Seq != s.last {
		return f, fmt.Errorf("%w: %d came where %d was due", ErrOrder, f.Seq, s.last)
	}
	f.Body = b[:size]
	return f, nil
}
