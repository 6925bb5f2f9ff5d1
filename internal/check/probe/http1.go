package probe

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"syscall"
)

// line is a connection that speaks HTTP/1.1, without the goroutines of
// http.Transport: the look itself writes and reads, so that nothing is left to
// end when it ends, and a look costs half.
type line struct {
	conn    net.Conn
	idle    bool   // kept for the next look
	address string // and scheme
	tls     *tls.ConnectionState
	in      io.LimitedReader
	reader  *bufio.Reader
	writer  *bufio.Writer
}

// maxHead bounds the status line and headers of an answer.
const maxHead = 64 << 10

// maxInterim is how many answers 1xx may come before the one that counts.
const maxInterim = 8

func (l *line) close() {
	if l.conn != nil {
		l.conn.Close()
	}
	l.conn, l.idle = nil, false
}

// use makes the buffers those of conn.
func (l *line) use(conn net.Conn) {
	l.in.R = conn
	if l.reader == nil {
		l.reader = bufio.NewReaderSize(&l.in, 4096)
		l.writer = bufio.NewWriterSize(conn, 1024)
	}
	l.reader.Reset(&l.in)
	l.writer.Reset(conn)
}

// http1 asks over the connection that was kept, or a new one.
func (t *trip) http1(req *http.Request, address string) (*http.Response, error) {
	l := t.web.line
	key := req.URL.Scheme + "://" + address
	req.Close = !t.web.kind.KeepAlive // adds Connection: close
	if l.idle && l.address == key {
		l.idle = false
		release := bound(req.Context(), l.conn)
		resp, err := l.exchange(req, t.web.kind.MaxBody)
		if !isStale(err) || req.Body != nil {
			t.keepTrack(l.conn, release)
			return resp, err
		}
		// It was closed since the last look: that says nothing about the
		// server, so a new one is asked (RFC 9112 §9.3.1).
		release()
	}
	l.close()
	conn, err := t.conns.dial(req.Context(), address)
	if err != nil {
		return nil, err
	}
	l.tls = nil
	if req.URL.Scheme == "https" {
		secured, err := t.speak(conn, req.URL)
		if err != nil {
			return nil, err
		}
		state := secured.ConnectionState()
		l.tls, conn = &state, secured
	}
	l.use(conn)
	l.conn, l.address = conn, key
	return l.exchange(req, t.web.kind.MaxBody)
}

// keepTrack has a connection that was kept closed at the end of the look,
// unless done keeps it again.
func (t *trip) keepTrack(conn net.Conn, release func()) {
	t.conns.mu.Lock()
	defer t.conns.mu.Unlock()
	t.conns.open = append(t.conns.open, conn)
	t.conns.release = append(t.conns.release, release)
}

// done keeps the connection for the next look, or closes it.
func (t *trip) done(clean bool) {
	l := t.web.line
	if clean && t.web.kind.KeepAlive && l.conn != nil && l.reader.Buffered() == 0 {
		t.conns.keepLast()
		l.idle = true
	} else {
		l.close()
	}
	t.conns.end()
}

// keepLast lets the last connection live on.
func (c *conns) keepLast() {
	c.mu.Lock()
	defer c.mu.Unlock()
	last := len(c.open) - 1
	c.release[last]()
	c.open, c.release = c.open[:last], c.release[:last]
}

func isStale(err error) bool {
	return errors.Is(err, errSilentEnd) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// errSilentEnd is a connection that ended before the first byte of an answer.
var errSilentEnd = errors.New("connection closed by the other side without an answer")

// exchange writes a request and reads the head of its answer.
func (l *line) exchange(req *http.Request, maxBody int) (*http.Response, error) {
	l.in.N = maxHead
	if err := req.Write(l.writer); err != nil {
		return nil, err
	}
	if err := l.writer.Flush(); err != nil {
		return nil, err
	}
	if _, err := l.reader.Peek(1); err != nil {
		if errors.Is(err, io.EOF) {
			err = errSilentEnd
		}
		return nil, err
	}
	for range maxInterim {
		resp, err := http.ReadResponse(l.reader, req)
		if err != nil {
			return nil, l.headFailure(err)
		}
		// RFC 9110 §15.2: answers 1xx come before the one that counts; 101 is
		// one that was not asked for.
		if resp.StatusCode >= 200 || resp.StatusCode == http.StatusSwitchingProtocols {
			// Chunks have heads of their own; they may be as long as the head.
			l.in.N = int64(maxBody) + maxHead
			resp.TLS = l.tls
			// Close would read the rest, however slowly that comes.
			resp.Body = io.NopCloser(resp.Body)
			return resp, nil
		}
	}
	return nil, errors.New("interim answers without end")
}

// headFailure says in words why a head could not be read.
func (l *line) headFailure(err error) error {
	switch {
	case l.in.N <= 0:
		return errors.New("more than 64 KiB of headers")
	case isTimeout(err), errors.Is(err, syscall.ECONNRESET):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("connection closed in the middle of the headers")
	}
	return &noHTTP{err}
}

// noHTTP is an answer that is something else.
type noHTTP struct{ err error }

func (e *noHTTP) Error() string { return "no HTTP (" + oneLine(innermost(e.err).Error()) + ")" }
