package local

import (
	"bytes"
	"context"
	"io"
	"time"

	"github.com/holdfast-net/holdfast/internal/check"
	"github.com/holdfast-net/holdfast/internal/check/probe"
)

// agentProbe asks an agent.
type agentProbe struct {
	kind    check.Agent
	connect probe.Connect
}

func newAgent(k check.Agent) *agentProbe {
	return &agentProbe{kind: k, connect: probe.Connector(k.Via)}
}

// maxLine is how long an agent's line may be; HAProxy's buffer is larger, its
// words are not.
const maxLine = 4096

// Try connects and reads one line.
func (p *agentProbe) Try(ctx context.Context) check.Seen {
	begin := time.Now()
	conn, release, err := p.connect(ctx, p.kind.To.String())
	if err != nil {
		return p.mute("cannot connect: %s", cause(err))
	}
	defer conn.Close()
	defer release()
	if p.kind.Send != "" {
		if _, err := io.WriteString(conn, p.kind.Send); err != nil {
			return p.mute("cannot send: %s", cause(err))
		}
	}
	line, err := agentLine(conn)
	if err != nil {
		return p.mute("no line: %s after %s", cause(err), took(time.Since(begin)))
	}
	seen, ok := readAgent(line)
	if !ok {
		return p.mute("it says %q, wanted up, down, drain, maint or a percentage", short(line))
	}
	return seen
}

// mute is an answer that tells nothing, unless it is required to.
func (p *agentProbe) mute(format string, args ...any) check.Seen {
	seen := failedf(format, args...)
	seen.Mute = !p.kind.Required
	return seen
}

// agentLine reads up to the end of the first line, or of what is sent.
func agentLine(r io.Reader) (string, error) {
	var buf [maxLine]byte
	n := 0
	for n < len(buf) {
		m, err := r.Read(buf[n:])
		if end := bytes.IndexAny(buf[:n+m], "\r\n"); end >= 0 {
			return string(buf[:end]), nil
		}
		n += m
		if err == io.EOF && n > 0 {
			break
		}
		if err != nil {
			return "", err
		}
	}
	return string(buf[:n]), nil
}
