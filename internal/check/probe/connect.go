package probe

import (
	"context"
	"net"

	"github.com/holdfast-net/holdfast/internal/check"
)

// Connect opens a TCP connection, which does what it does until the end of
// ctx. release is called when the connection is not used any more, before or
// after it is closed.
type Connect func(ctx context.Context, address string) (conn net.Conn, release func(), err error)

// Connector connects by the way that a check asks for, for probes of other
// packages.
func Connector(via check.Via) Connect {
	d := newDialer(via, theyBegin)
	return func(ctx context.Context, address string) (net.Conn, func(), error) {
		return d.dial(ctx, "tcp", address)
	}
}
