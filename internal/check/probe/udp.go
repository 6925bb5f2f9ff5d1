package probe

import (
	"context"
	"time"

	"github.com/holdfast-net/holdfast/internal/check"
)

// udp is up when a datagram is answered, or at least not refused.
type udp struct {
	kind    check.UDP
	expect  check.Matcher
	dialer  *dialer
	address string
	buf     []byte
}

func newUDP(k check.UDP) (*udp, error) {
	expect, err := k.Expect.Compile()
	if err != nil {
		return nil, err
	}
	return &udp{kind: k, expect: expect, dialer: newDialer(k.Via, weBegin), address: k.To.String(), buf: make([]byte, 2048)}, nil
}

// Try implements check.Probe.
func (p *udp) Try(ctx context.Context) check.Seen {
	start := time.Now()
	wanted := "an answer"
	if p.kind.Expect.Form != check.NoPattern {
		wanted = p.kind.Expect.String()
	}
	conn, release, err := p.dialer.dial(ctx, "udp", p.address)
	if err != nil {
		return failed(start, err, wanted)
	}
	defer conn.Close()
	defer release()
	quiet := p.kind.Silence == check.SilencePasses
	if quiet {
		until := start.Add(p.kind.Listen)
		if t, ok := ctx.Deadline(); !ok || until.Before(t) {
			conn.SetReadDeadline(until)
		}
	}
	if _, err := conn.Write([]byte(p.kind.Send)); err != nil {
		return failed(start, err, wanted)
	}
	n, err := conn.Read(p.buf)
	switch {
	case err != nil && quiet && isTimeout(err) && ctx.Err() != context.Canceled:
		return check.Passed("not refused within " + took(start))
	case err != nil:
		return failed(start, err, wanted)
	case p.expect.Match(p.buf[:n]) != check.Found:
		return check.Failed("answered " + quote(p.buf[:n]) + " in " + took(start) + ", wanted " + wanted)
	}
	return check.Passed("answered " + counted(n, "byte") + " in " + took(start))
}
