package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/holdfast-net/holdfast/internal/check"
)

// script is up when a talk goes as written.
type script struct {
	kind    check.Script
	steps   []step
	dialer  *dialer
	address string
	secure  *secure // nil: plain
	buf     []byte  // reused
}

type step struct {
	send         []byte
	expect, fail check.Matcher
}

func newScript(k check.Script) (*script, error) {
	first := theyBegin
	if len(k.Steps) > 0 && k.Steps[0].Send != "" || k.Secure != nil {
		first = weBegin
	}
	p := &script{kind: k, dialer: newDialer(k.Via, first), address: k.To.String(), buf: make([]byte, 0, 512)}
	for i, s := range k.Steps {
		expect, err := s.Expect.Compile()
		if err != nil {
			return nil, fmt.Errorf("step %d: %w", i+1, err)
		}
		fail, err := s.Fail.Compile()
		if err != nil {
			return nil, fmt.Errorf("step %d: %w", i+1, err)
		}
		p.steps = append(p.steps, step{send: []byte(s.Send), expect: expect, fail: fail})
	}
	if k.Secure != nil {
		s, err := newSecure(*k.Secure, k.To.Host)
		if err != nil {
			return nil, err
		}
		p.secure = s
	}
	return p, nil
}

// Try implements check.Probe.
func (p *script) Try(ctx context.Context) check.Seen {
	start := time.Now()
	conn, release, err := p.dialer.dial(ctx, "tcp", p.address)
	if err != nil {
		return failed(start, err, "a connection")
	}
	raw := conn
	defer raw.Close()
	defer release()
	warn := ""
	if p.secure != nil {
		t, err := p.secure.speak(conn)
		if err != nil {
			return failed(start, err, "a TLS handshake")
		}
		wrong, soon := p.secure.days(t.ConnectionState(), time.Now())
		if wrong != "" {
			return check.Failed(wrong)
		}
		conn, warn = t, soon
	}
	p.buf = p.buf[:0]
	for i := range p.steps {
		if seen := p.take(conn, start, i); !seen.OK {
			return seen
		}
	}
	seen := warned(p.passed(start), warn)
	release()
	p.leave(conn, raw)
	return seen
}

// passed says how long it took, and what came last.
func (p *script) passed(start time.Time) string {
	if last := p.kind.Steps[len(p.steps)-1]; last.Expect.Form == check.NoPattern {
		return counted(len(p.steps), "step") + " in " + took(start)
	}
	return "answered " + quote(p.buf) + " in " + took(start)
}

// take does one step. What a server said before it was asked is not the answer
// to the question, so sending forgets what was read.
func (p *script) take(conn net.Conn, start time.Time, i int) check.Seen {
	s, wanted := &p.steps[i], p.kind.Steps[i].Expect
	in := ""
	if len(p.steps) > 1 {
		in = fmt.Sprintf(" in step %d", i+1)
	}
	if len(s.send) > 0 {
		p.buf = p.buf[:0]
		if _, err := conn.Write(s.send); err != nil {
			return failed(start, err, "to send"+in)
		}
	}
	if wanted.Form == check.NoPattern {
		return check.Passed("")
	}
	for {
		ok, refused := s.look(p.buf, p.kind.Steps[i].Fail.Form != check.NoPattern)
		switch {
		case ok:
			return check.Passed("")
		case refused:
			return check.Failed("answered " + quote(p.buf) + " in " + took(start) + ", wanted " + wanted.String() + in)
		case len(p.buf) >= p.kind.MaxRead:
			return check.Failed(counted(len(p.buf), "byte") + " without " + wanted.String() + in + ", beginning with " + quote(p.buf))
		}
		err := p.more(conn)
		if err == nil {
			continue
		}
		if len(p.buf) == 0 {
			return failed(start, err, wanted.String()+in)
		}
		end := "and then nothing for " + took(start)
		if !isTimeout(err) {
			end = "and then " + cause(err)
		}
		return check.Failed("answered " + quote(p.buf) + " " + end + ", wanted " + wanted.String() + in)
	}
}

// look judges what has been read so far. What must be there is looked for
// first: a pattern for failures need not exclude it.
func (s *step) look(data []byte, hasFail bool) (ok, refused bool) {
	switch s.expect.Match(data) {
	case check.Found:
		return len(data) > 0, false
	case check.NeverFound:
		return false, true
	}
	return false, hasFail && s.fail.Match(data) == check.Found
}

// more reads once.
func (p *script) more(conn net.Conn) error {
	if len(p.buf) == cap(p.buf) {
		p.buf = append(p.buf, 0)[:len(p.buf)]
	}
	n, err := conn.Read(p.buf[len(p.buf):min(cap(p.buf), p.kind.MaxRead)])
	p.buf = p.buf[:len(p.buf)+n]
	if n > 0 {
		return nil // an error comes again
	}
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// leave says goodbye, where that is asked for.
func (p *script) leave(conn, raw net.Conn) {
	if len(p.kind.Goodbye) == 0 && !p.kind.Polite {
		return
	}
	conn.SetWriteDeadline(time.Now().Add(farewell))
	if _, err := conn.Write(p.kind.Goodbye); err != nil {
		return
	}
	if t, ok := raw.(*net.TCPConn); ok && p.kind.Polite {
		t.SetLinger(-1)
		if conn != raw {
			conn.Close() // close_notify, and FIN
			return
		}
		t.CloseWrite()
	}
	drain(conn)
}
