package load

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// A connection begins with a byte that says what it is for.
const (
	modeEcho     = 'E' // the first byte of every number that is echoed
	modeDownload = 'D'
	modeRequest  = 'G' // of GET
)

// numberSize is the size of what is echoed: the mode, the number of the backend
// (which the server writes), and who says it for the how manieth time.
const numberSize = 64

// putNumber makes the bytes that a connection says.
func putNumber(b []byte, conn uint32, seq uint32) {
	b[0], b[1] = modeEcho, 0
	binary.BigEndian.PutUint32(b[2:], conn)
	binary.BigEndian.PutUint32(b[6:], seq)
	for i := 10; i < numberSize; i++ {
		b[i] = byte(conn*31 + seq*7 + uint32(i))
	}
}

// isNumber tells whether the echo is of that, and which backend it is from.
func isNumber(b []byte, conn uint32, seq uint32) (backend uint8, ok bool) {
	var want [numberSize]byte
	putNumber(want[:], conn, seq)
	want[1] = b[1]
	return b[1], bytes.Equal(b, want[:])
}

// stream is what downloads are made of, again and again. Its length has no common
// part with the size of anything, so a piece that is lost shows.
var stream = func() []byte {
	s := make([]byte, 65521)
	for i := range s {
		s[i] = byte(i*i>>3 + i>>8)
	}
	return s
}()

// isStream tells whether these are the stream's bytes from an offset on.
func isStream(b []byte, offset int64) bool {
	for len(b) > 0 {
		at := int(offset % int64(len(stream)))
		n := min(len(b), len(stream)-at)
		if !bytes.Equal(b[:n], stream[at:at+n]) {
			return false
		}
		b, offset = b[n:], offset+int64(n)
	}
	return true
}

// The requests: of the first kind the server closes first, of the second the
// client does.
var requests = [2][]byte{
	[]byte("GET /page HTTP/1.0\r\n\r\n"),
	[]byte("GET /page HTTP/1.1\r\n\r\n"),
}

// answerSize is that of the whole answer.
const answerSize = 1200

// answerOf is what a backend answers.
func answerOf(backend uint8) []byte {
	const head = "HTTP/1.1 200 OK\r\nContent-Length: %4d\r\nX-Backend: %3d\r\n\r\n"
	body := answerSize - len(fmt.Sprintf(head, 0, 0))
	return append(fmt.Appendf(nil, head, body, backend), stream[:body]...)
}

// answers are those of all backends.
var answers = func() (all [256][]byte) {
	for i := range all {
		all[i] = answerOf(uint8(i))
	}
	return all
}()
