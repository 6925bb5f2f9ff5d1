package guardian

import "encoding/binary"

// reader takes values off the front of b. When b is too short it says so from
// then on and gives zeros.
type reader struct {
	b     []byte
	short bool
}

func (r *reader) bytes(n int) []byte {
	if len(r.b) < n {
		r.b, r.short = nil, true
	}
	if r.short {
		return nil
	}
	out := r.b[:n:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) byte() byte {
	if b := r.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) uint16() uint16 {
	if b := r.bytes(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (r *reader) uint32() uint32 {
	if b := r.bytes(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (r *reader) string() string { return string(r.bytes(int(r.uint16()))) }

// clone is nil for nothing.
func clone(b []byte) []byte { return append([]byte(nil), b...) }

func appendString(b []byte, s string) []byte {
	s = s[:min(len(s), 1<<16-1)]
	b = binary.BigEndian.AppendUint16(b, uint16(len(s)))
	return append(b, s...)
}

// appendShort is for what has at most 255 bytes.
func appendShort(b, s []byte) []byte { return append(append(b, byte(len(s))), s...) }

func truth(b bool) byte {
	if b {
		return 1
	}
	return 0
}
