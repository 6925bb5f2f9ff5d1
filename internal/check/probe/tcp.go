package probe

import (
	"context"
	"time"

	"github.com/holdfast-net/holdfast/internal/check"
)

// tcp is up when a connection is made.
type tcp struct {
	dialer  *dialer
	address string
}

func newTCP(k check.TCP) *tcp {
	return &tcp{dialer: newDialer(k.Via, weBegin), address: k.To.String()}
}

// Try implements check.Probe.
func (p *tcp) Try(ctx context.Context) check.Seen {
	start := time.Now()
	conn, release, err := p.dialer.dial(ctx, "tcp", p.address)
	if err != nil {
		return failed(start, err, "a connection")
	}
	release()
	conn.Close()
	return check.Passed("connected in " + took(start))
}
